/* SPDX-License-Identifier: MIT */
/*
 * The uses of a frame and the requests for another, by name, as the tables of claims combine them:
 * transition_requests.c has the functions, here are the words for the sentences.
 */
#pragma once

#include "../claim.h"

/* enter: a fresh page, mapped writable, gets there; leave: it still has that use, and loses it. */
#define USE(use)                                                                        \
	void enter_##use(uint64_t *page);                                               \
	void leave_##use(uint64_t *page)
USE(unmapped);
USE(read_only);
USE(writable);
USE(l1);
USE(l2);
USE(l3);
USE(l4);
USE(segments);
USE(lent);
#undef USE

/* ask: the answer, 0 or a negative errno; undo: a granted one, back to where it was. */
#define REQUEST(request)                                                                \
	long ask_##request(uint64_t *page);                                             \
	void undo_##request(uint64_t *page)
REQUEST(map_writable);
REQUEST(map_read_only);
REQUEST(pin_l1);
REQUEST(pin_l2);
REQUEST(pin_l3);
REQUEST(pin_l4);
REQUEST(hook_in_l2);
REQUEST(hook_in_l3);
REQUEST(hook_in_l4);
REQUEST(load);
REQUEST(load_user);
REQUEST(gdt);
REQUEST(descriptor);
REQUEST(store);
REQUEST(clear);
REQUEST(copy_into);
REQUEST(lend);
REQUEST(exchange);
REQUEST(give_back);
#undef REQUEST

#define SAY_unmapped "that nothing maps"
#define SAY_read_only "that is mapped read-only"
#define SAY_writable "that is mapped writable"
#define SAY_l1 "that is an L1 table"
#define SAY_l2 "that is an L2 table"
#define SAY_l3 "that is an L3 table"
#define SAY_l4 "that is an L4 table"
#define SAY_segments "of the GDT"
#define SAY_lent "that a grant maps writable"

#define SAY_map_writable "mapping it writable"
#define SAY_map_read_only "mapping it read-only"
#define SAY_pin_l1 "pinning it as an L1 table"
#define SAY_pin_l2 "pinning it as an L2 table"
#define SAY_pin_l3 "pinning it as an L3 table"
#define SAY_pin_l4 "pinning it as an L4 table"
#define SAY_hook_in_l2 "hooking it into an L2 table"
#define SAY_hook_in_l3 "hooking it into an L3 table"
#define SAY_hook_in_l4 "hooking it into the L4 in use"
#define SAY_load "NEW_BASEPTR with it"
#define SAY_load_user "NEW_USER_BASEPTR with it"
#define SAY_gdt "set_gdt with it"
#define SAY_descriptor "update_descriptor in it"
#define SAY_store "mmu_update of a word of it"
#define SAY_clear "CLEAR_PAGE of it"
#define SAY_copy_into "grant copy into it"
#define SAY_lend "granting it to be mapped writable"
#define SAY_exchange "exchanging it"
#define SAY_give_back "giving it back"
