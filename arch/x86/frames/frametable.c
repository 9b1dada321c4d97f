/* SPDX-License-Identifier: MIT */
/*
 * The frame table and the M2P: one piece of the table for every 256 MiB of machine memory that
 * holds RAM, one block of the M2P for every GiB; none for holes.
 *
 * A frame inside a piece that is not RAM (a device, firmware's memory), or lies in the first MiB,
 * has owner DOMID_IO for ever.
 */
#include <isola/lib/string.h>
#include <isola/memmap.h>
#include <isola/printk.h>
#include <asm/bootmem.h>
#include <asm/frametable.h>
#include <asm/hyper_pt.h>
#include <asm/layout.h>
#include <asm/m2p_block.h>

#define PIECE_FRAMES	(1ul << PIECE_SHIFT)
#define M2P_BLOCK_FRAMES (MIB(2) / sizeof(u64))		/* those that a block has entries for */

static_assert(PIECE_FRAMES * sizeof(struct page_info) == MIB(2),
	      "a piece of the frame table is one large page");

bool piece_stands[MAX_PIECES];

/* Map the piece's frame table, and say of each frame: nobody's. */
static void make_piece(u64 piece)
{
	u64 first = piece << PIECE_SHIFT;
	mfn_t table = bootmem_alloc_anywhere(MIB(2), MIB(2)); /* public: frame table */
	struct page_info *pg = page_of(_mfn(first));

	BUG_ON(hyper_map((u64)pg, table, true, PAGE_HV_RW));
	for (u64 i = 0; i < PIECE_FRAMES; i++)
		pg[i] = (struct page_info){ .count_info = PGC_hv, .owner = DOMID_IO };
	piece_stands[piece] = true;
}

/* Map the M2P's block @i, where none stands yet: nobody has called any frame by a name. */
static void make_m2p_block(u64 i)
{
	if (mfn_is_valid_num(m2p_block(i)))
		return;
	m2p_set_block(i, bootmem_alloc_anywhere(MIB(2), MIB(2))); /* public: M2P */
	BUG_ON(hyper_map(VA_M2P_RW + i * MIB(2), m2p_block(i), true, PAGE_HV_RW));
	BUG_ON(hyper_map(VA_M2P + i * MIB(2), m2p_block(i), true, PAGE_HV_RO | PTE_US));
	memset((void *)(VA_M2P_RW + i * MIB(2)), 0xff, MIB(2));
}

/* The M2P's own frames are nobody's either. Once all pieces stand: any may hold one. */
static unsigned mark_m2p_blocks(void)
{
	unsigned nr = 0;

	for (u64 i = 0; i < m2p_nr_blocks(); i++) {
		if (!mfn_is_valid_num(m2p_block(i)))
			continue;
		for (u32 k = 0; k < MIB(2) >> PAGE_SHIFT; k++) {
			struct page_info *pg = page_of(mfn_add(m2p_block(i), k));

			pg->owner = DOMID_IO;
			pg->next = NEXT_OF_M2P;
		}
		nr++;
	}
	return nr;
}

void frametable_init(void)
{
	unsigned nr = 0, nr_blocks;

	for (unsigned i = 0; i < memmap_nr(); i++) {
		const struct memmap_entry *e = memmap_entry(i);
		u64 first = e->addr >> PAGE_SHIFT, end = (e->addr + e->size) >> PAGE_SHIFT;

		if (e->type != 1)
			continue;
		for (u64 p = first >> PIECE_SHIFT; p << PIECE_SHIFT < min(end, max_page); p++)
			if (!piece_stands[p]) {
				make_piece(p);
				make_m2p_block((p << PIECE_SHIFT) / M2P_BLOCK_FRAMES);
				nr++;
			}
		for (u64 n = max(first, MEMMAP_LOW_END >> PAGE_SHIFT); n < min(end, max_page); n++)
			page_of(_mfn(n))->owner = DOMID_INVALID;
	}
	nr_blocks = mark_m2p_blocks();
	pr_info("frame table: %u pieces of 256 MiB, %u KiB, M2P %u KiB", nr, nr * 2048,
		nr_blocks * 2048);
}
