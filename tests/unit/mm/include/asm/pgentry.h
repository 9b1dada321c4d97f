/* SPDX-License-Identifier: MIT */
/*
 * Hosted page-table entries: the product's; in a small world (exhaust.c) a table has WORLD_ENTRIES of them, and those of a frame
 * that the guest could write to are not decided before they are read.
 */
#pragma once
#ifdef WORLD_ENTRIES
#define pte_read product_pte_read
#include_next <asm/pgentry.h>
#undef pte_read
#undef PT_ENTRIES
#define PT_ENTRIES WORLD_ENTRIES
#define PTE_UNDECIDED (1ul << 61)	/* not present */
pte_t world_decide(const pte_t *p);
static inline pte_t pte_read(const pte_t *p)
{
	pte_t e = READ_ONCE(*p);

	return e == PTE_UNDECIDED ? world_decide(p) : e;
}
#else
#include_next <asm/pgentry.h>
#endif
