/* SPDX-License-Identifier: MIT */
/*
 * Machine-to-phys entries, through the read-write alias. Invariant: an entry is only touched where
 * the frame table has a piece: there the M2P has a block.
 */
#include <asm/frametable.h>
#include <asm/layout.h>
#include <asm/m2p.h>

static u64 *m2p_entry(mfn_t m)
{
	return (u64 *)VA_M2P_RW + mfn_x(m);
}

void m2p_set(mfn_t m, pfn_t pfn)
{
	if (mfn_has_page(m))
		WRITE_ONCE(*m2p_entry(m), pfn_x(pfn));
}

pfn_t m2p_get(mfn_t m)
{
	return mfn_has_page(m) ? _pfn(READ_ONCE(*m2p_entry(m))) : INVALID_M2P;
}

/* 0: none, as frame 0 is no RAM of ours. */
static u32 block[DIV_ROUND_UP(MAX_MFN * sizeof(u64), MIB(2))];

u64 m2p_nr_blocks(void)
{
	return DIV_ROUND_UP(max_page * sizeof(u64), MIB(2));
}

mfn_t m2p_block(u64 i)
{
	return block[i] ? _mfn(block[i]) : INVALID_MFN;
}

void m2p_set_block(u64 i, mfn_t first)
{
	block[i] = mfn_x(first);
}

bool m2p_is_frame(mfn_t m)
{
	const struct page_info *pg = page_of(m);

	return mfn_has_page(m) && READ_ONCE(pg->owner) == DOMID_IO && pg->next == NEXT_OF_M2P;
}
