/* SPDX-License-Identifier: MIT */
/*
 * Has a page of a guest's been touched? In a domain that is tracked a leaf with P has been. To
 * forget all of it P is taken from the root's entries alone: an entry without P says "nothing below
 * has been touched", whatever stands below. Whoever touches a page then faults, once, and its path
 * is made valid from the root down: what is below an entry loses P before the entry has it again. A
 * page that comes, or that we write ourselves, counts as touched.
 */
#pragma once

#include <asm/p2m.h>
#include <asm/page_mark.h>

/* Creation of @p's domain is finished, nobody has run: from now on touches count. Once; cheap. */
void p2m_track_arm(struct p2m *p);
/* @gfn has been touched: its path has P. False: it is a hole. */
bool p2m_touch(struct p2m *p, gfn_t gfn);
/* The same if @p is tracked; lock held. */
void p2m_touch_locked(struct p2m *p, gfn_t gfn);
/* And behind each write of ours to @pg: before it a batch could clean the page too early. */
static inline void p2m_written(struct p2m *p, gfn_t gfn, struct page_info *pg)
{
	page_mark_dirty(pg);
	if (READ_ONCE(p->track.armed))
		(void)p2m_touch(p, gfn);
}
