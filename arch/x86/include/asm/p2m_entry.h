/* SPDX-License-Identifier: MIT */
/*
 * An entry of nested tables. What it shows is there as long as NPT_THERE stands, whether the
 * processor may use it, P, or has to ask first (asm/p2m_track.h): ours go by NPT_THERE alone.
 */
#pragma once

#include <isola/frame_num.h>
#include <asm/layout.h>
#include <asm/pgentry.h>

#define NPT_THERE	(1ul << 9)
#define NPT_DUE		(1ul << 10)	/* below: a page that this batch has still to clean */
#define NPT_TABLE	(NPT_THERE | PTE_P | PTE_RW | PTE_US | PTE_A)
/* A and D stand from the start: the processor need not write them. */
#define NPT_RAM		(NPT_THERE | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

static inline bool npt_there(pte_t e)
{
	return e & NPT_THERE;
}

static inline bool npt_is_leaf(pte_t e, unsigned level)
{
	return level == 1 || e & PTE_PS;
}

/* The entry of @table, which is of @level, that leads to @gfn. */
static inline pte_t *npt_entry(mfn_t table, gfn_t gfn, unsigned level)
{
	return (pte_t *)public_ptr(table) + pt_index(gfn_x(gfn) << PAGE_SHIFT, level);
}

/* How many gfns an entry of @level covers. */
static inline u64 npt_span(unsigned level)
{
	return 1ul << 9 * (level - 1);
}
