/* SPDX-License-Identifier: MIT */
/*
 * Touches of pages: see asm/p2m_touch.h.
 */
#include <asm/cache_tracking.h>
#include <asm/insn.h>
#include <asm/p2m_entry.h>
#include <asm/p2m_touch.h>
#include <asm/precondition.h>

/* Nothing below the table's entries has been touched. Lock held; who may remember it is flushed. */
static void forget(const struct p2m *p, mfn_t table)
{
	pte_t *t = public_ptr(table);

	ASSERT_LOCKED(&p->lock);
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (pte_present(pte_read(&t[i])))
			pte_write(&t[i], pte_read(&t[i]) & ~P2M_VALID);
}

/*
 * From the root down. No flush: no CPU remembers an entry that is not valid (APM vol. 2 §5.5; SDM
 * vol. 3 §28.3.3.1, in its 2021 numbering).
 */
static bool make_valid(struct p2m *p, gfn_t gfn)
{
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned level = 4;; level--) {
		pte_t *pe = p2m_entry(table, gfn, level), e = pte_read(pe);

		if (!p2m_there(e))
			return false;
		if (!pte_present(e)) {
			if (!p2m_is_leaf(e, level))
				forget(p, pte_mfn(e));
			/* What is below, before it is shown: processors walk. */
			barrier();
			pte_write(pe, e | p2m_valid(e, level));
		}
		if (p2m_is_leaf(e, level))
			return true;
		table = pte_mfn(e);
	}
}

bool p2m_touch(struct p2m *p, gfn_t gfn)
{
	bool is_there;

	if (gfn_x(gfn) >= p->end)
		return false;
	spin_lock(&p->lock);
	is_there = make_valid(p, gfn);
	spin_unlock(&p->lock);
	return is_there;
}

void p2m_touch_locked(struct p2m *p, gfn_t gfn)
{
	ASSERT_LOCKED(&p->lock);
	if (p->track.armed)
		make_valid(p, gfn);
}

void p2m_track_arm(struct p2m *p)
{
	if (p->track.mode != CACHE_TOUCHED || READ_ONCE(p->track.armed))
		return;
	spin_lock(&p->lock);
	if (!p->track.armed) {
		forget(p, p->root);
		p2m_move_stamp(p);
		WRITE_ONCE(p->track.armed, true);
	}
	spin_unlock(&p->lock);
}
