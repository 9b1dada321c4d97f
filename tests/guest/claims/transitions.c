/* SPDX-License-Identifier: MIT */
/*
 * transitions: what a frame may become, from each use that it can have.
 *
 * The rule (TYP-1, TYP-7): a frame is writable, a table of one level, or part of a descriptor
 * table, one at a time and only while something uses it so; a request that would give it a second
 * use is refused and leaves it in the first. One claim per use and request: the frame is brought
 * into the use, the request made, and undone if it was granted; then the frame must still have its
 * first use, and after that must be able to become an ordinary page again.
 */
#define TOPIC "transitions"
#include "transitions.h"
#include "../memory.h"

static void transition(void (*enter)(uint64_t *), long (*ask)(uint64_t *), void (*undo)(uint64_t *),
		       void (*leave)(uint64_t *), long expected)
{
	uint64_t *page = page_alloc();
	long rc;

	enter(page);
	rc = ask(page);
	CHECK_SAY(rc == expected, "the answer is %ld, expected %ld", rc, expected);
	if (!rc)
		undo(page);
	leave(page);
	CHECK_OK(make_writable(page));
	*(volatile uint64_t *)page = 0;
}

#define ANSWER_OK 0
#define ANSWER_EBUSY -XEN_EBUSY
#define ANSWER_EINVAL -XEN_EINVAL

#define SENTENCE(use, request, answer) "a frame " SAY_##use ": " SAY_##request " answers " #answer
#define BODY(use, request, answer) \
	{ \
		transition(enter_##use, ask_##request, undo_##request, leave_##use, \
			   ANSWER_##answer); \
	}
#define GO(use, request, answer)                                                        \
	CLAIM(use##_##request, SENTENCE(use, request, answer)) BODY(use, request, answer)
/* Xen takes the frame out of the reservation at once, and frees it when its last use ends. */
#define GO_ISOLA(use, request, answer)                                                  \
	CLAIM_ISOLA_ONLY(use##_##request, SENTENCE(use, request, answer),               \
			 "Xen lets go of it when its last use ends") BODY(use, request, answer)

GO(unmapped, map_writable, OK)
GO(unmapped, map_read_only, OK)
GO(unmapped, pin_l1, OK)
GO(unmapped, pin_l2, OK)
GO(unmapped, pin_l3, OK)
GO(unmapped, pin_l4, OK)
GO(unmapped, hook_in_l2, OK)
GO(unmapped, hook_in_l3, OK)
GO(unmapped, hook_in_l4, OK)
GO(unmapped, load_user, OK)
GO(unmapped, gdt, OK)
GO(unmapped, descriptor, OK)
GO(unmapped, store, OK)
GO(unmapped, clear, OK)
GO(unmapped, copy_into, OK)
GO(unmapped, lend, OK)
GO(unmapped, exchange, OK)
GO(unmapped, give_back, OK)

GO(read_only, map_writable, OK)
GO(read_only, map_read_only, OK)
GO(read_only, pin_l1, OK)
GO(read_only, pin_l2, OK)
GO(read_only, pin_l3, OK)
GO(read_only, pin_l4, OK)
GO(read_only, hook_in_l2, OK)
GO(read_only, hook_in_l3, OK)
GO(read_only, hook_in_l4, OK)
GO(read_only, load_user, OK)
GO(read_only, gdt, OK)
GO(read_only, descriptor, OK)
GO(read_only, store, OK)
GO(read_only, clear, OK)
GO(read_only, copy_into, OK)
GO(read_only, lend, OK)
GO(read_only, exchange, EINVAL)
GO_ISOLA(read_only, give_back, EBUSY)

GO(writable, map_writable, OK)
GO(writable, map_read_only, OK)
GO(writable, pin_l1, EINVAL)
GO(writable, pin_l2, EINVAL)
GO(writable, pin_l3, EINVAL)
GO(writable, pin_l4, EINVAL)
GO(writable, hook_in_l2, EINVAL)
GO(writable, hook_in_l3, EINVAL)
GO(writable, hook_in_l4, EINVAL)
GO(writable, load, EINVAL)
GO(writable, load_user, EINVAL)
GO(writable, gdt, EINVAL)
GO(writable, descriptor, OK)
GO(writable, store, OK)
GO(writable, clear, OK)
GO(writable, copy_into, OK)
GO(writable, lend, OK)
GO(writable, exchange, EINVAL)
GO_ISOLA(writable, give_back, EBUSY)

GO(l1, map_writable, EBUSY)
GO(l1, map_read_only, OK)
GO(l1, pin_l1, EINVAL)
GO(l1, pin_l2, EINVAL)
GO(l1, pin_l3, EINVAL)
GO(l1, pin_l4, EINVAL)
GO(l1, hook_in_l2, OK)
GO(l1, hook_in_l3, EINVAL)
GO(l1, hook_in_l4, EINVAL)
GO(l1, load, EINVAL)
GO(l1, load_user, EINVAL)
GO(l1, gdt, EINVAL)
GO(l1, descriptor, EINVAL)
GO(l1, store, OK)
GO(l1, clear, EINVAL)
GO(l1, copy_into, EINVAL)
GO(l1, lend, EINVAL)
GO(l1, exchange, EINVAL)
GO_ISOLA(l1, give_back, EBUSY)

GO(l2, map_writable, EBUSY)
GO(l2, map_read_only, OK)
GO(l2, pin_l1, EINVAL)
GO(l2, pin_l2, EINVAL)
GO(l2, pin_l3, EINVAL)
GO(l2, pin_l4, EINVAL)
GO(l2, hook_in_l2, EINVAL)
GO(l2, hook_in_l3, OK)
GO(l2, hook_in_l4, EINVAL)
GO(l2, load, EINVAL)
GO(l2, load_user, EINVAL)
GO(l2, gdt, EINVAL)
GO(l2, descriptor, EINVAL)
GO(l2, store, OK)
GO(l2, clear, EINVAL)
GO(l2, copy_into, EINVAL)
GO(l2, lend, EINVAL)
GO(l2, exchange, EINVAL)
GO_ISOLA(l2, give_back, EBUSY)

GO(l3, map_writable, EBUSY)
GO(l3, map_read_only, OK)
GO(l3, pin_l1, EINVAL)
GO(l3, pin_l2, EINVAL)
GO(l3, pin_l3, EINVAL)
GO(l3, pin_l4, EINVAL)
GO(l3, hook_in_l2, EINVAL)
GO(l3, hook_in_l3, EINVAL)
GO(l3, hook_in_l4, OK)
GO(l3, load, EINVAL)
GO(l3, load_user, EINVAL)
GO(l3, gdt, EINVAL)
GO(l3, descriptor, EINVAL)
GO(l3, store, OK)
GO(l3, clear, EINVAL)
GO(l3, copy_into, EINVAL)
GO(l3, lend, EINVAL)
GO(l3, exchange, EINVAL)
GO_ISOLA(l3, give_back, EBUSY)

GO(l4, map_writable, EBUSY)
GO(l4, map_read_only, OK)
GO(l4, pin_l1, EINVAL)
GO(l4, pin_l2, EINVAL)
GO(l4, pin_l3, EINVAL)
GO(l4, pin_l4, EINVAL)
GO(l4, hook_in_l2, EINVAL)
GO(l4, hook_in_l3, EINVAL)
GO(l4, hook_in_l4, EINVAL)
GO(l4, load, OK)
GO(l4, load_user, OK)
GO(l4, gdt, EINVAL)
GO(l4, descriptor, EINVAL)
GO(l4, store, OK)
GO(l4, clear, EINVAL)
GO(l4, copy_into, EINVAL)
GO(l4, lend, EINVAL)
GO(l4, exchange, EINVAL)
GO_ISOLA(l4, give_back, EBUSY)

GO(segments, map_writable, EBUSY)
GO(segments, map_read_only, OK)
GO(segments, pin_l1, EINVAL)
GO(segments, pin_l2, EINVAL)
GO(segments, pin_l3, EINVAL)
GO(segments, pin_l4, EINVAL)
GO(segments, hook_in_l2, EINVAL)
GO(segments, hook_in_l3, EINVAL)
GO(segments, hook_in_l4, EINVAL)
GO(segments, load, EINVAL)
GO(segments, load_user, EINVAL)
GO(segments, descriptor, OK)
GO(segments, store, EINVAL)
GO(segments, clear, EINVAL)
GO(segments, copy_into, EINVAL)
GO(segments, lend, EINVAL)
GO(segments, exchange, EINVAL)
GO_ISOLA(segments, give_back, EBUSY)

GO(lent, map_writable, OK)
GO(lent, map_read_only, OK)
GO(lent, pin_l1, EINVAL)
GO(lent, pin_l2, EINVAL)
GO(lent, pin_l3, EINVAL)
GO(lent, pin_l4, EINVAL)
GO(lent, hook_in_l2, EINVAL)
GO(lent, hook_in_l3, EINVAL)
GO(lent, hook_in_l4, EINVAL)
GO(lent, load, EINVAL)
GO(lent, load_user, EINVAL)
GO(lent, gdt, EINVAL)
GO(lent, descriptor, OK)
GO(lent, store, OK)
GO(lent, clear, OK)
GO(lent, copy_into, OK)
GO(lent, lend, OK)
GO(lent, exchange, EINVAL)
GO_ISOLA(lent, give_back, EBUSY)
