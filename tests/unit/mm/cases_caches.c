/* SPDX-License-Identifier: MIT */
/*
 * Cache types of RAM (COH-1, COH-2): who may choose one, for which frames, and when lines are
 * flushed. Frames 4 (the L4 in use) -> 10 -> 11 -> 12; frame 21 is the one that changes its use.
 */
#include <asm/page_ref.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <xen/memory.h>
#include "cases.h"

#define DATA	21u
#define WC	PTE_PAT			/* index 4 of the ABI's PAT */

static const pte_t cache_types[] = {
	PTE_PWT, PTE_PCD, PTE_PCD | PTE_PWT,
	WC, PTE_PAT | PTE_PWT, PTE_PAT | PTE_PCD, L1_CACHE,
};

static void tree(void)
{
	guest_start();
	frame_ptr(10)[0] = names(11);
	frame_ptr(11)[0] = names(12);
	check(update(entry_at(4, 0), names(10)) == 0, "a tree is hooked in");
}

static bool is_marked(void) { return page_of(_mfn(DATA))->type_info & PGT_non_coherent; }

/* The frame is mapped so, the processor goes there, the entry goes. */
static void use_past_caches(pte_t e)
{
	check(update(entry_at(12, 1), names(DATA) | PTE_RW | e) == 0, "%lx is mapped", e);
	check(world_audit() == 0 && is_marked(), "and marked");
	tlb_use[DATA][USE_WRITE] = true;
	check(update(entry_at(12, 1), 0) == 0 && is_marked(), "idle, it still is");
}

static void change_of_use(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_types); i++) {
		tree();
		check(update(entry_at(12, 1), names(DATA) | cache_types[i]) == 0 && !is_marked(),
		      "who only reads leaves it coherent");
		check(update(entry_at(12, 1), names(DATA) | cache_types[i] | PTE_RW) == 0 &&
		      is_marked(), "who gets RW does not");
		use_past_caches(cache_types[i]);
		check(update(entry_at(12, 2), names(DATA) | PTE_RW) == 0 && is_marked(),
		      "write-back, it is as it was");
		check(update(entry_at(12, 2), 0) == 0, "and gone");
		check(ext(MMUEXT_PIN_L1_TABLE, DATA, 0) == 0, "it becomes a table");
		check(!past_caches[DATA] && !is_marked(), "whose lines have been flushed");
		audited("a frame written past the caches becomes a table");
	}
}

static void change_of_type(void)
{
	tree();
	check(update(entry_at(12, 1), names(DATA) | PTE_RW) == 0, "write-back");
	check(update(entry_at(12, 1), names(DATA) | PTE_RW | WC) == 0 && is_marked(),
	      "an entry that changes in its cache type alone");
	check(update(entry_at(12, 1), names(DATA) | PTE_RW) == 0 && is_marked(), "and back");
	audited("the type of an entry changes");
}

/* Where another entry may write already, nothing but the mark is missing. */
static void change_of_rights(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cache_types); i++) {
		tree();
		check(update(entry_at(12, 2), names(DATA) | PTE_RW) == 0, "write-back");
		check(update(entry_at(12, 1), names(DATA) | cache_types[i]) == 0 && !is_marked(),
		      "and to be read past the caches");
		check(update(entry_at(12, 1), names(DATA) | cache_types[i] | PTE_RW) == 0 &&
		      is_marked(), "an entry that gains RW alone");
		audited("the rights of an entry change");
	}
}

static void given_back(void)
{
	u64 list = DATA;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	tree();
	use_past_caches(WC);
	r.extent_start.p = (void *)&list;
	check(hc_memory_op(XENMEM_decrease_reservation, (u64)&r) == 1, "it is given back");
	check(!past_caches[DATA], "with its lines flushed");
	audited("a frame written past the caches is freed");
}

static void a_new_frame(void)
{
	u64 m = DATA;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	tree();
	r.extent_start.p = (void *)&m;
	check(hc_memory_op(XENMEM_increase_reservation, (u64)&r) == 1 && wiped_in_caches[m],
	      "a frame that has just been wiped");
	check(update(entry_at(12, 3), names(m) | PTE_RW | PTE_PCD) == 0 && !wiped_in_caches[m],
	      "is wiped in memory, too, before caches are passed by");
	audited("a new frame");
}

static void who_may(void)
{
	unsigned special;

	tree();
	special = mfn_x(world_domain.grants->frame[0]);
	check(update(entry_at(12, 3), names(special) | PTE_RW) == 0, "a grant frame is mapped");
	for (unsigned i = 0; i < ARRAY_SIZE(cache_types); i++) {
		check(update(entry_at(12, 4), names(special) | cache_types[i]) == -EACCES &&
		      update(entry_at(12, 3), names(special) | PTE_RW | cache_types[i]) == -EACCES,
		      "but write-back");
		world_domain.is_privileged = false;
		check(update(entry_at(12, 1), names(DATA) | cache_types[i]) == -EINVAL,
		      "nor is anything by who has no devices");
		world_domain.is_privileged = true;
	}
	audited("who may choose, and for what");
}

void caches(void)
{
	change_of_use();
	change_of_type();
	change_of_rights();
	given_back();
	a_new_frame();
	who_may();
}
