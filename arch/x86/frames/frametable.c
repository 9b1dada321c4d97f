/* SPDX-License-Identifier: MIT */
/*
 * The frame table and the M2P: one piece of each for every 256 MiB of machine memory that holds
 * RAM, none for holes.
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

#define PIECE_FRAMES	(1ul << PIECE_SHIFT)
#define M2P_PIECE_BYTES	(PIECE_FRAMES * sizeof(u64))

static_assert(PIECE_FRAMES * sizeof(struct page_info) == MIB(2),
	      "a piece of the frame table is one large page");

bool piece_stands[MAX_PIECES];

/* Map the piece's frame table and M2P, and say of each frame: nobody's. */
static void make_piece(u64 piece)
{
	u64 first = piece << PIECE_SHIFT;
	mfn_t table = bootmem_alloc_anywhere(MIB(2), MIB(2)); /* public: frame table */
	mfn_t m2p = bootmem_alloc_anywhere(M2P_PIECE_BYTES, PAGE_SIZE); /* public: M2P */
	struct page_info *pg = page_of(_mfn(first));

	BUG_ON(hyper_map((u64)pg, table, true, PAGE_HV_RW));
	for (u64 at = 0; at < M2P_PIECE_BYTES; at += PAGE_SIZE) {
		u64 off = first * sizeof(u64) + at;
		mfn_t m = mfn_add(m2p, at >> PAGE_SHIFT);

		BUG_ON(hyper_map(VA_M2P_RW + off, m, false, PAGE_HV_RW));
		BUG_ON(hyper_map(VA_M2P + off, m, false, PAGE_HV_RO | PTE_US));
	}
	memset((void *)(VA_M2P_RW + first * sizeof(u64)), 0xff, M2P_PIECE_BYTES);
	for (u64 i = 0; i < PIECE_FRAMES; i++)
		pg[i] = (struct page_info){ .count_info = PGC_hv, .owner = DOMID_IO };
	piece_stands[piece] = true;
}

void frametable_init(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < memmap_nr(); i++) {
		const struct memmap_entry *e = memmap_entry(i);
		u64 first = e->addr >> PAGE_SHIFT, end = (e->addr + e->size) >> PAGE_SHIFT;

		if (e->type != 1)
			continue;
		for (u64 p = first >> PIECE_SHIFT; p << PIECE_SHIFT < min(end, max_page); p++)
			if (!piece_stands[p]) {
				make_piece(p);
				nr++;
			}
		for (u64 n = max(first, MEMMAP_LOW_END >> PAGE_SHIFT); n < min(end, max_page); n++)
			page_of(_mfn(n))->owner = DOMID_INVALID;
	}
	pr_info("frame table: %u pieces of 256 MiB, %u KiB, M2P %lu KiB", nr, nr * 2048,
		nr * M2P_PIECE_BYTES >> 10);
}
