/* SPDX-License-Identifier: MIT */
/*
 * Pages touched since the last cleaning of caches: see asm/p2m_track.h. One piece at a time, by
 * whoever has set track.busy. The lock is taken for edits of entries; it is not held while lines
 * are flushed, so a leaf may go meanwhile: then its page has nothing to be cleaned any more.
 */
#include <isola/domain.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/p2m_entry.h>
#include <asm/p2m_track.h>
#include <asm/page_ref.h>
#include <asm/precondition.h>
#include <asm/tlb.h>

/* A piece: tables marked, entries looked at for what is due, pages cleaned. */
#define MARKS_A_PIECE	16u
#define STEPS_A_PIECE	256u
#define CLEANS_A_PIECE	16u

/* ---- Marking --------------------------------------------------------------------------------- */

static bool counts(const struct p2m *p, pte_t e)
{
	return p->track.mode == CACHE_ALL ? p2m_there(e) : pte_present(e);
}

/* What a leaf or an L1 table's entry becomes. Without tracking P stays, and nobody faults. */
static pte_t made_due(const struct p2m *p, pte_t e)
{
	return (p->track.mode == CACHE_ALL ? e : e & ~P2M_VALID) | P2M_DUE;
}

static bool mark_l1(const struct p2m *p, mfn_t table)
{
	pte_t *t = public_ptr(table);
	bool any = false;

	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (counts(p, pte_read(&t[i]))) {
			pte_write(&t[i], made_due(p, pte_read(&t[i])));
			any = true;
		}
	return any;
}

/* All levels that lead to @gfn, down to @level, have DUE. Lock held. */
static void mark_path(const struct p2m *p, gfn_t gfn, unsigned level)
{
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned l = 4; l > level; l--) {
		pte_t *pe = p2m_entry(table, gfn, l);

		pte_write(pe, pte_read(pe) | P2M_DUE);
		table = pte_mfn(pte_read(pe));
	}
}

/* Behind an entry of @level, which leads to @gfn. */
static u64 next_gfn(u64 gfn, unsigned level)
{
	return (gfn | (p2m_span(level) - 1)) + 1;
}

/* The first gfn behind the entry @pe of an L2, which leads to @gfn, that may have been touched. */
static u64 next_touched(const struct p2m *p, const pte_t *pe, u64 gfn)
{
	do
		gfn = next_gfn(gfn, 2);
	while ((u64)++pe & ~PAGE_MASK && !counts(p, pte_read(pe)));
	return gfn;
}

/* What is behind an L2 entry, or as much more as nobody has touched: where to go on. Lock held. */
static u64 mark_at(struct p2m *p, u64 at)
{
	gfn_t gfn = _gfn(at);
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned level = 4;; level--) {
		pte_t *pe = p2m_entry(table, gfn, level), e = pte_read(pe);

		if (!counts(p, e))
			return level == 2 ? next_touched(p, pe, at) : next_gfn(at, level);
		if (level > 2) {
			table = pte_mfn(e);
			continue;
		}
		/* All of an L1 table's entries have lost P: so may what leads to it. */
		if (p2m_is_leaf(e, 2) || mark_l1(p, pte_mfn(e))) {
			pte_write(pe, made_due(p, e));
			mark_path(p, gfn, 2);
			p->track.any = true;
		}
		return next_gfn(at, 2);
	}
}

/* True: all is marked. */
static bool mark_some(struct p2m *p)
{
	struct p2m_track *t = &p->track;

	for (unsigned n = 0; n < MARKS_A_PIECE && t->cursor < p->end; n++) {
		spin_lock(&p->lock);
		t->cursor = mark_at(p, t->cursor);
		spin_unlock(&p->lock);
	}
	return t->cursor >= p->end;
}

/* ---- Cleaning -------------------------------------------------------------------------------- */

/* The gfns below @to are clean: so is each entry that covers none but such. Lock held. */
static void settle(struct p2m *p, u64 to)
{
	gfn_t last = _gfn(to - 1);
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned level = 4;; level--) {
		pte_t *pe = p2m_entry(table, last, level), e = pte_read(pe);

		if (!p2m_there(e))
			return;
		if (!(to & (p2m_span(level) - 1)) || to >= p->end)
			pte_write(pe, e & ~P2M_DUE);
		if (p2m_is_leaf(e, level))
			return;
		table = pte_mfn(e);
	}
}

/* Is @gfn due? So are, or are not, the *@span that the entry covers which says so. Lock held. */
static bool is_due(const struct p2m *p, gfn_t gfn, u64 *span)
{
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned level = 4;; level--) {
		pte_t e = pte_read(p2m_entry(table, gfn, level));

		*span = p2m_span(level);
		if (!p2m_there(e) || !(e & P2M_DUE))
			return false;
		if (p2m_is_leaf(e, level))
			return true;
		table = pte_mfn(e);
	}
}

static void clean(const struct domain *d, struct p2m *p, gfn_t gfn)
{
	struct page_info *pg = p2m_get_page(d, p, gfn);

	if (!pg)
		return;
	flush_frame_lines(page_mfn(pg));
	page_put(pg);
	p->track.cleaned++;
}

static bool clean_some(const struct domain *d, struct p2m *p)
{
	struct p2m_track *t = &p->track;
	unsigned cleaned = 0;

	for (unsigned n = 0; n < STEPS_A_PIECE && cleaned < CLEANS_A_PIECE && t->cursor < p->end;
	     n++) {
		u64 span;
		bool due;

		spin_lock(&p->lock);
		due = is_due(p, _gfn(t->cursor), &span);
		spin_unlock(&p->lock);
		if (due) {
			clean(d, p, _gfn(t->cursor));
			cleaned++;
			t->cursor++;
		} else {
			t->cursor = (t->cursor | (span - 1)) + 1;
		}
		if (t->cursor & (span - 1))
			continue;
		spin_lock(&p->lock);
		settle(p, min(t->cursor, p->end));
		spin_unlock(&p->lock);
	}
	return t->cursor >= p->end;
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void enter_phase(struct p2m_track *t, enum p2m_track_phase phase)
{
	t->phase = phase;
	t->cursor = 0;
}

static void end_batch(struct p2m_track *t)
{
	enter_phase(t, TRACK_IDLE);
	__atomic_store_n(&t->done, t->begun, __ATOMIC_RELEASE);
}

static void do_piece(struct domain *d, struct p2m *p)
{
	struct p2m_track *t = &p->track;

	switch (t->phase) {
	case TRACK_IDLE:
		/* Who has asked before this is served by it. */
		__atomic_store_n(&t->begun, t->begun + 1, __ATOMIC_SEQ_CST);
		t->any = false;
		t->cleaned = 0;
		enter_phase(t, TRACK_MARK);
		return;
	case TRACK_MARK:
		if (!mark_some(p))
			return;
		if (t->any)
			enter_phase(t, TRACK_FLUSH);
		else
			end_batch(t);
		return;
	case TRACK_FLUSH:
		if (t->mode == CACHE_TOUCHED) {
			p2m_move_stamp(p);
			tlb_flush_vcpus(d, ~0ul, ~0ul);
		}
		enter_phase(t, TRACK_CLEAN);
		return;
	case TRACK_CLEAN:
		if (clean_some(d, p))
			end_batch(t);
		return;
	}
}

u64 p2m_batch_next(const struct p2m *p)
{
	return __atomic_load_n(&p->track.begun, __ATOMIC_SEQ_CST) + 1;
}

static bool is_done(const struct p2m *p, u64 want)
{
	return __atomic_load_n(&p->track.done, __ATOMIC_ACQUIRE) >= want;
}

bool p2m_batch_some(struct domain *d, struct p2m *p, u64 want)
{
	ASSERT(irq_is_enabled());
	if (is_done(p, want))
		return true;
	if (__atomic_test_and_set(&p->track.busy, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		return false;
	}
	if (!is_done(p, want))
		do_piece(d, p);
	__atomic_clear(&p->track.busy, __ATOMIC_RELEASE);
	return is_done(p, want);
}
