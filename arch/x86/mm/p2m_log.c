/* SPDX-License-Identifier: MIT */
/*
 * The log of what a guest writes, by nested tables: see asm/p2m_log.h. With the lock: leaves hold
 * the frames that they show.
 */
#include <asm/frametable.h>
#include <asm/p2m_entry.h>
#include <asm/p2m_log.h>
#include <asm/page_mark.h>
#include <asm/precondition.h>

/* ---- Stores ---------------------------------------------------------------------------------- */

/* What the leaf at @pe shows is dirty, and can be written; if it is large that of @gfn alone. */
static void open_leaf(struct p2m *p, gfn_t gfn, pte_t *pe, unsigned level)
{
	pte_t *small = level > 1 ? p2m_make_way(p, gfn, 1) : pe, e;
	mfn_t first;

	ASSERT_LOCKED(&p->lock);
	if (small) {
		pe = small;
		level = 1;
	}
	e = pte_read(pe) & ~P2M_LOGGED;
	first = pte_mfn(e);
	for (u64 i = 0; i < p2m_span(level); i++)
		page_mark_dirty(page_of(mfn_add(first, i)));
	/* It may have lost P again, to a batch. */
	pte_write(pe, pte_present(e) ? e | p2m_valid(e, level) : e);
	p->stores++;
}

bool p2m_log_store(struct p2m *p, gfn_t gfn)
{
	unsigned level;
	pte_t *pe;
	bool is_there;

	if (gfn_x(gfn) >= p->end)
		return false;
	spin_lock(&p->lock);
	pe = p2m_walk(p, gfn, &level);
	is_there = p2m_there(pte_read(pe));
	if (is_there && pte_read(pe) & P2M_LOGGED)
		open_leaf(p, gfn, pe, level);
	spin_unlock(&p->lock);
	return is_there;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is around @first, and where the next that is not there ends. Lock held. NULL: all holes. */
static pte_t *walk_for_all(struct p2m *p, u64 first, unsigned *level, u64 *next)
{
	pte_t *pe;

	ASSERT_LOCKED(&p->lock);
	*next = first + P2M_LOG_GFNS;
	if (p->closed || first >= p->end)
		return NULL;
	pe = p2m_walk(p, _gfn(first), level);
	if (*level == 1 || p2m_there(pte_read(pe)))
		return pe;
	*next = (first | (p2m_span(*level) - 1)) + 1;
	return NULL;
}

/* The entry for @first + @i, where that of @first is @pe. */
static pte_t *nth(pte_t *pe, unsigned level, unsigned i)
{
	return level == 1 ? pe + i : pe;
}

u64 p2m_log_dirty(struct p2m *p, u64 first, u64 *next)
{
	unsigned level;
	u64 dirty = 0;
	pte_t *pe;

	spin_lock(&p->lock);
	pe = walk_for_all(p, first, &level, next);
	for (unsigned i = 0; pe && i < P2M_LOG_GFNS; i++) {
		mfn_t m = p2m_frame_in(pte_read(nth(pe, level, i)), _gfn(first + i), level);

		if (mfn_is_valid_num(m) && !page_is_clean(page_of(m)))
			dirty |= 1ul << i;
	}
	spin_unlock(&p->lock);
	return dirty;
}

/* From here on a store through it asks. */
static void log_leaf(pte_t *pe)
{
	pte_write(pe, (pte_read(pe) | P2M_LOGGED) & ~P2M_W);
}

void p2m_log_clean(struct p2m *p, u64 first, u64 gfns)
{
	unsigned level;
	u64 next;
	pte_t *pe;

	spin_lock(&p->lock);
	pe = walk_for_all(p, first, &level, &next);
	for (unsigned i = 0; pe && i < P2M_LOG_GFNS; i++) {
		pte_t *leaf = nth(pe, level, i);

		if (!(gfns >> i & 1) || !p2m_there(pte_read(leaf)))
			continue;
		log_leaf(leaf);
		page_set_clean(page_of(p2m_frame_in(pte_read(leaf), _gfn(first + i), level)));
	}
	p2m_move_stamp(p);
	spin_unlock(&p->lock);
}
