/* SPDX-License-Identifier: MIT */
/*
 * Hosted page-table entries: the product's; in a small world (exhaust.c) a table has WORLD_ENTRIES
 * of them, and those of a frame that the guest could write to are not decided before they are read.
 * In all others the simulated memory learns what the window's tables show.
 */
#pragma once
#include <asm/layout.h>
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
#elif defined(REAL_ROOTS) || defined(SMALL_OWN)
#include_next <asm/pgentry.h>
#else
#define pte_write product_pte_write
#include_next <asm/pgentry.h>
#undef pte_write
void world_window_written(const pte_t *p);
static inline void pte_write(pte_t *p, pte_t e)
{
	product_pte_write(p, e);
	if ((u64)p >= VA_PUBLIC)
		world_window_written(p);
}
#endif
