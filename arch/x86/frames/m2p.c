/* SPDX-License-Identifier: MIT */
/*
 * Machine-to-phys entries, through the read-write alias. Invariant: an entry is only touched where
 * the frame table has a piece, because the M2P has its mappings in the same places.
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
