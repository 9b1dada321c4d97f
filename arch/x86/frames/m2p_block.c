/* SPDX-License-Identifier: MIT */
/*
 * Where the M2P stands in memory.
 */
#include <asm/frametable.h>
#include <asm/m2p_block.h>

/* 0: none, as frame 0 is no RAM of ours. */
static u32 m2p_blocks[DIV_ROUND_UP(MAX_MFN * sizeof(u64), MIB(2))];

u64 m2p_nr_blocks(void)
{
	return DIV_ROUND_UP(max_page * sizeof(u64), MIB(2));
}

mfn_t m2p_block(u64 i)
{
	return m2p_blocks[i] ? _mfn(m2p_blocks[i]) : INVALID_MFN;
}

void m2p_set_block(u64 i, mfn_t first)
{
	m2p_blocks[i] = mfn_x(first);
}
