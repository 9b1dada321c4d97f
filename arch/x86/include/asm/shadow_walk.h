/* SPDX-License-Identifier: MIT */
/*
 * A walk of the guest's own tables, as the processor does it.
 */
#pragma once

#include <asm/pgentry.h>

/*
 * What the tables of @l4 say about @va: the entries from the L4's on, as they were read. Only what
 * lies on the way is valid.
 */
struct guest_walk {
	pte_t e[5];			/* e[4]..e[1]: by level */
	mfn_t table[5];			/* the table that e[n] stands in */
	unsigned missing;		/* the level of the entry that is absent; 0: none is */
};

/*
 * Kernel root loaded, interrupts off: no table on the way changes its use or owner before they are
 * on again (TLB-8).
 */
void guest_walk(struct guest_walk *w, mfn_t l4, u64 va);

/*
 * The rights of the way, its entry at level @lowest included (1: of all): PTE_RW, PTE_US where all
 * have it, PTE_NX where one has.
 */
u64 guest_walk_rights(const struct guest_walk *w, unsigned lowest);

/*
 * Set Accessed on the way, and @leaf_bits too at its end, as the processor does, where they are not
 * yet. False: an entry has changed meanwhile; nothing wrong has been written.
 */
bool __must_check guest_walk_touch(struct guest_walk *w, u64 va, pte_t leaf_bits);
