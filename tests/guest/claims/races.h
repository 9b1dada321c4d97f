/* SPDX-License-Identifier: MIT */
/*
 * What the claims about races share. A call works on what it holds or on what it has checked under
 * a lock, so that whatever a sibling does meanwhile, one of the two is refused or they come one
 * after the other. Afterwards the counts must be right: a frame that is not what it was can become
 * an ordinary page again, and the audit after the last claim agrees.
 */
#pragma once

#include "../claim.h"
#include "../memory.h"
#include "../sibling.h"

#define SLOT 7u                         /* of our L4, for a way of theirs */
#define SLOT_VA slot_va(SLOT)

/* Nothing holds @page but its own address: it can be a table and an ordinary page. */
static inline void check_free_of_uses(uint64_t *page)
{
	CHECK_OK(make_readonly(page));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
	CHECK_OK(make_writable(page));
}

/*
 * A way through tables: t[1..3] are the L1, L2, L3 that lead to what stands in the L1's first
 * entry.
 */
struct way {
	uint64_t *t[4];
};

/* Read-only tables, hooked nowhere. */
static inline struct way way_build(uint64_t last)
{
	struct tree tree = tree_build(last);

	return (struct way){ { NULL, tree.l1, tree.l2, tree.l3 } };
}

/* The entry that leads to the table of @level. */
static inline const volatile uint64_t *slot_of(const struct way *w, unsigned int level)
{
	return level == 3 ? l4_slot(SLOT) : w->t[level + 1];
}

/* Both at once, and both are answered 0. */
static inline void both_lists(long (*mine)(void), long (*theirs)(void))
{
	struct answers a = together(mine, theirs);

	CHECK_OK(a.mine);
	CHECK_OK(a.theirs);
}
