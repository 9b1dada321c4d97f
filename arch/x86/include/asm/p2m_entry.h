/* SPDX-License-Identifier: MIT */
/*
 * An entry of nested tables, in the vendor's format. What it shows is there as long as P2M_THERE
 * stands, whether the processor may use it, P2M_VALID, or has to ask first (asm/p2m_track.h; before
 * it writes, asm/p2m_log.h): ours go by P2M_THERE alone.
 *
 * The formats have much in common: bits 0 to 2 give all rights, and without bit 0 nothing is there
 * (NPT: P, RW, U, of which each level must have U; EPT: R, W, X); bit 7 marks a large leaf; bits 12
 * to 51 are the frame; bits 52 to 54 are software's. APM vol. 2 §5.3, §15.25.5; SDM vol. 3
 * §28.3.2.
 */
#pragma once

#include <isola/frame_num.h>
#include <asm/layout.h>
#include <asm/p2m.h>
#include <asm/pgentry.h>

#define P2M_VALID	7ul
#define P2M_THERE	(1ul << 52)
#define P2M_DUE		(1ul << 53)	/* below: a page that this batch has still to clean */
#define P2M_LOGGED	(1ul << 54)	/* of a leaf: never P2M_W */
#define P2M_W		(1ul << 1)
#define EPT_X		(1ul << 2)
#define EPT_WB		(6ul << 3)	/* the type of memory... */
#define EPT_IPAT	(1ul << 6)	/* ...whatever the guest's PAT says (COH-1) */

/*
 * What entries have beside these. NPT: A and D stand from the start, the processor need not write
 * them. EPT: A and D are not switched on; the bits that are a leaf's type of memory are reserved in
 * an entry that shows a table.
 */
struct p2m_format {
	u64 table, leaf;
	u64 large_valid;		/* of P2M_VALID, what a leaf of 2 MiB may have */
};

static inline bool p2m_there(pte_t e)
{
	return e & P2M_THERE;
}

static inline bool p2m_is_leaf(pte_t e, unsigned level)
{
	return level == 1 || e & PTE_PS;
}

/* What makes the entry @e of a table of @level valid. */
static inline u64 p2m_valid(pte_t e, unsigned level)
{
	u64 valid = level == 2 && e & PTE_PS ? p2m_format->large_valid : P2M_VALID;

	return e & P2M_LOGGED ? valid & ~P2M_W : valid;
}

/* The entry of @table, which is of @level, that leads to @gfn. */
static inline pte_t *p2m_entry(mfn_t table, gfn_t gfn, unsigned level)
{
	return (pte_t *)public_ptr(table) + pt_index(gfn_x(gfn) << PAGE_SHIFT, level);
}

/* How many gfns an entry of @level covers. */
static inline u64 p2m_span(unsigned level)
{
	return 1ul << 9 * (level - 1);
}

/* The entry that decides about @gfn, and its level: a leaf, or an absent one. */
pte_t *p2m_walk(const struct p2m *p, gfn_t gfn, unsigned *level);
/* The frame of @gfn, which the entry @e of a table of @level shows; INVALID_MFN: none. */
mfn_t p2m_frame_in(pte_t e, gfn_t gfn, unsigned level);
/* The entry of @level for @gfn; tables are made, large leaves split. NULL: no memory. Lock held. */
pte_t *p2m_make_way(struct p2m *p, gfn_t gfn, unsigned level);
