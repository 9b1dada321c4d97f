/* SPDX-License-Identifier: MIT */
/*
 * Frames that are clean: see asm/page_mark.h.
 */
#include <asm/page_mark.h>

/*
 * May a frame of type word @x be clean? The foreign count is read after @x: by way of it those who
 * hold one have come to their type. An idle frame whose lines are to be flushed (COH-2) is left as
 * it is: it would come back without its mark. The hypervisor works on special ones.
 */
static bool can_be_clean(const struct page_info *pg, u64 x)
{
	bool is_quiet = x & PGT_count_mask ? (x & (PGT_validated | PGT_locked)) == PGT_validated
					   : !(x & PGT_non_coherent);

	return is_quiet && !(x & PGT_special) && (x & PGT_type_mask) != PGT_seg_desc &&
	       !(READ_ONCE(pg->count_info) & PGC_foreign_mask);
}

void page_set_clean(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	while (can_be_clean(pg, x) &&
	       !__atomic_compare_exchange_n(&pg->type_info, &x, x | PGT_clean, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}
