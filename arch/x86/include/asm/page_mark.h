/* SPDX-License-Identifier: MIT */
/*
 * A frame's mark in the log of what its domain writes: who changes it by no reference to write.
 */
#pragma once

#include <asm/frametable.h>

/* What is in @pg is about to change, or to be called something else (LOG-1). */
static inline void page_mark_dirty(struct page_info *pg)
{
	if (unlikely(READ_ONCE(pg->type_info) & PGT_clean))
		__atomic_fetch_and(&pg->type_info, ~PGT_clean, __ATOMIC_SEQ_CST);
}
