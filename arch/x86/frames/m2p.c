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

bool m2p_is_frame(mfn_t m)
{
	const struct page_info *pg = page_of(m);

	return mfn_has_page(m) && READ_ONCE(pg->owner) == DOMID_IO && pg->next == NEXT_OF_M2P;
}
