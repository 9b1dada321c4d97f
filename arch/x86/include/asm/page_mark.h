/* SPDX-License-Identifier: MIT */
/*
 * A frame's mark in the log of what its domain writes (LOG-1, control/log_dirty.c): who changes it
 * by no reference to write.
 */
#pragma once

#include <asm/frametable.h>

/* What is in @pg is about to change, or to be called something else (LOG-1). */
static inline void page_mark_dirty(struct page_info *pg)
{
	if (unlikely(READ_ONCE(pg->type_info) & PGT_clean))
		__atomic_fetch_and(&pg->type_info, ~PGT_clean, __ATOMIC_SEQ_CST);
}

static inline bool page_is_clean(const struct page_info *pg)
{
	return READ_ONCE(pg->type_info) & PGT_clean;
}

/* @pg is clean, if nobody can write it unseen: its domain's vcpus are off their CPUs. */
void page_set_clean(struct page_info *pg);
