/* SPDX-License-Identifier: MIT */
/*
 * The walk. pg[0] is the table the caller asked about; pg[depth] the one being worked on, whose
 * parent's entry nr_validated names it. Every table on the stack is busy (type_word.c): ours alone.
 * A table above depth 0 brings the general and type reference that its parent's entry is to hold,
 * or has just ceased to hold.
 *
 * PRE-5: at most 512 entries, counted over all tables together, lie between two preemption checks.
 */
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/loaded.h>
#include <asm/preempt.h>
#include <asm/pt_check.h>
#include <asm/pt_validate.h>
#include <asm/type_word.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

/* Tests make it small, to stop in more places; above 4, which a resumed walk needs to get on. */
#ifndef VALIDATE_BUDGET
#define VALIDATE_BUDGET	PT_ENTRIES
#endif

struct walk {
	struct domain *d;
	struct page_info *pg[4];
	int depth;
	unsigned budget;			/* entries until the next preemption check */
};

enum { DONE = 0, PUSHED = 1 };

/*
 * How many of the next @max entries (at least one) may be looked at now: taken from the budget; 0:
 * stop. Boot, which runs on the idle vcpu, has nothing to be preempted for.
 */
static unsigned next_run(struct walk *w, unsigned max)
{
	unsigned nr;

	if (unlikely(!w->budget)) {
		w->budget = VALIDATE_BUDGET;
		if (!vcpu_is_idle(current) && hypercall_preempt_check())
			return 0;
	}
	nr = min(max, w->budget);
	w->budget -= nr;
	return nr;
}

static int push(struct walk *w, struct page_info *pg)
{
	w->pg[++w->depth] = pg;
	return PUSHED;
}

/*
 * Half done, all of them, the lowest first: none is ever named by an entry said to hold references.
 */
static int suspend(struct walk *w)
{
	page_get_again(w->pg[0]);		/* the mark's own; the caller keeps the caller's */
	for (; w->depth >= 0; w->depth--)
		page_type_suspend(w->pg[w->depth]);
	return -ERESTART;
}

/* ---- Upwards: taking references ---- */

static int take_child(struct walk *w, unsigned level, pte_t e)
{
	struct page_info *child = page_get_from_mfn(pte_mfn(e), w->d);
	int rc;

	if (!child)
		return -EINVAL;
	rc = page_type_take(w->d, child, level_type(level - 1));
	if (rc == TAKEN_TO_VALIDATE)
		return push(w, child);
	if (rc < 0)
		page_put(child);
	return rc == -EBUSY ? -EINVAL : rc;
}

static __noinline int validate_other_entry(struct walk *w, unsigned level, pte_t *pe)
{
	pte_t e = pte_read(pe), checked = e;
	int rc;

	rc = pt_check_entry(w->d, level, &checked);
	if (rc)
		return rc;
	rc = level == 1 ? pt_get_l1e(w->d, w->d, checked) : take_child(w, level, checked);
	if (rc >= 0 && checked != e)
		pte_write(pe, checked);
	return rc;
}

/* @pe is present. */
static __always_inline int validate_entry(struct walk *w, unsigned level, pte_t *pe)
{
	pte_t e = pte_read(pe), checked = e;

	if (level != 1 || unlikely(!pt_take_l1e(w->d, &checked)))
		return validate_other_entry(w, level, pe);
	if (checked != e)
		pte_write(pe, checked);
	return 0;
}

/*
 * Most tables are sparse: what is absent is skipped by so many entries, looked at together. By
 * plain loads: the table is busy, so nobody makes an entry of it present meanwhile.
 */
#define SKIP	16

static __always_inline pte_t or_of_four(const pte_t *pe)
{
	return pe[0] | pe[1] | pe[2] | pe[3];
}

/* Is one of the entries [@pe, @pe + SKIP) present? */
static __always_inline bool is_any_present(const pte_t *pe)
{
	return pte_present(or_of_four(pe) | or_of_four(pe + 4) | or_of_four(pe + 8) |
			   or_of_four(pe + 12));
}

/* The first entry from @i on that is present, or @end. */
static __noinline unsigned skip_absent(const pte_t *table, unsigned i, unsigned end)
{
	const pte_t *pe = table + i, *stop = table + end;

	for (unsigned nr = (end - i) / SKIP; nr && !is_any_present(pe); nr--)
		pe += SKIP;
	while (pe < stop && !pte_present(pte_read(pe)))
		pe++;
	return pe - table;
}

static int validate_table(struct walk *w)
{
	struct page_info *pg = w->pg[w->depth];
	unsigned level = type_level(pg->type_info), i = pg->nr_validated;
	pte_t *table = window_ptr(page_mfn(pg));
	int rc = DONE;

	while (i < PT_ENTRIES && !rc) {
		unsigned limit = PT_ENTRIES, end;

		/* The hypervisor's slots are no entries, whatever they hold. */
		if (level == 4 && i == L4_SLOT_HV_FIRST)
			i = L4_SLOT_HV_LAST + 1;
		if (level == 4 && i < L4_SLOT_HV_FIRST)
			limit = L4_SLOT_HV_FIRST;
		end = i + next_run(w, limit - i);
		if (end == i)
			rc = -ERESTART;
		else
			rc = pt_check_absent(w->d, level, table + i, table + end);
		while (!rc && i < end) {
			if (!pte_present(pte_read(&table[i]))) {
				i = skip_absent(table, i, end);
				continue;
			}
			rc = validate_entry(w, level, &table[i]);
			if (rc) {
				w->budget += end - i - 1;
				break;
			}
			i++;
		}
	}
	pg->nr_validated = i;
	return rc;
}

/* ---- Downwards: dropping them ---- */

static int drop_child(struct walk *w, pte_t e)
{
	struct page_info *child = page_of(pte_mfn(e));

	if (page_type_drop(child))
		return push(w, child);
	page_put(child);
	return 0;
}

/*
 * Entry nr_validated of a table holds no reference, but may name a table left partial by the very
 * walk that was interrupted here. Nobody else may ever come back to it, so it goes the way of its
 * parent. Should it be somebody else's half-done work, that one starts afresh.
 */
static int drain_child(struct walk *w, unsigned level, pte_t e)
{
	struct page_info *child;
	bool stolen;

	if (level == 1 || !pte_present(e))
		return 0;
	child = page_get_from_mfn(pte_mfn(e), w->d);
	if (!child)
		return 0;
	stolen = page_type_steal(child, level_type(level - 1));
	page_put(child);			/* if stolen the mark's is ours now */
	return stolen ? push(w, child) : 0;
}

/* The end of the entries [@first, @i) without the absent ones at their end. */
static __noinline unsigned unskip_absent(const pte_t *table, unsigned i, unsigned first)
{
	const pte_t *pe = table + i, *stop = table + first;

	for (unsigned nr = (i - first) / SKIP; nr && !is_any_present(pe - SKIP); nr--)
		pe -= SKIP;
	while (pe > stop && !pte_present(pte_read(pe - 1)))
		pe--;
	return pe - table;
}

/* Entries [@first, @i) of an L1 of @d: in a loop of its own, there are many and none leads on. */
static __noinline void drop_l1es(struct domain *d, const pte_t *table, unsigned i, unsigned first)
{
	const pte_t *pe = table + i, *stop = table + first;

	while (pe > stop) {
		pte_t e = pte_read(pe - 1);

		if (pte_present(e)) {
			pt_put_l1e(d, e);
			pe--;
		} else {
			pe = table + unskip_absent(table, pe - table, first);
		}
	}
}

static int devalidate_table(struct walk *w)
{
	struct page_info *pg = w->pg[w->depth];
	unsigned level = type_level(pg->type_info), i = pg->nr_validated;
	pte_t *table = window_ptr(page_mfn(pg));
	int rc = DONE;

	if (i < PT_ENTRIES && drain_child(w, level, pte_read(&table[i])))
		return PUSHED;
	while (i > 0 && rc == DONE) {
		unsigned limit = 0, nr, first;

		if (level == 4 && i == L4_SLOT_HV_LAST + 1)
			i = L4_SLOT_HV_FIRST;
		if (level == 4 && i > L4_SLOT_HV_LAST)
			limit = L4_SLOT_HV_LAST + 1;
		nr = next_run(w, i - limit);
		first = i - nr;
		if (!nr)
			rc = -ERESTART;
		if (level == 1) {
			drop_l1es(w->d, table, i, first);
			i = first;
		}
		while (i > first) {
			pte_t e = pte_read(&table[i - 1]);

			if (!pte_present(e)) {
				i = unskip_absent(table, i, first);
				continue;
			}
			i--;
			rc = drop_child(w, e);
			if (rc)
				break;
		}
		w->budget += i - first;
	}
	/* drain_child() reads the entry it names: one of the guest's. */
	pg->nr_validated = level == 4 && i == L4_SLOT_HV_FIRST ? L4_SLOT_HV_LAST + 1 : i;
	return rc;
}

static int walk_down(struct walk *w)
{
	for (;;) {
		struct page_info *pg = w->pg[w->depth];
		int rc = devalidate_table(w);

		if (rc == PUSHED)
			continue;
		if (rc)
			return suspend(w);
		page_type_end(pg);
		if (w->depth-- == 0)
			return 0;
		page_put(pg);			/* the parent's entry's */
	}
}

int pt_devalidate(struct domain *d, struct page_info *pg)
{
	struct walk w = { .d = d, .pg = { pg }, .budget = VALIDATE_BUDGET };

	return walk_down(&w);
}

/* @rc says why the walk up failed: take apart what it had done. */
static int undo(struct walk *w, int rc)
{
	struct page_info *pg = w->pg[0];

	if (walk_down(w)) {
		page_get_again(pg);		/* for the parking */
		page_type_park(pg);
	}
	return rc;
}

int pt_validate(struct domain *d, struct page_info *pg)
{
	struct walk w = { .d = d, .pg = { pg }, .budget = VALIDATE_BUDGET };

	ASSERT_OWNER_LOADED(d);
	for (;;) {
		int rc = validate_table(&w);

		if (rc == PUSHED)
			continue;
		if (rc == -ERESTART || rc == -EINTR)
			return suspend(&w);
		if (rc)
			return undo(&w, rc);
		page_type_publish(w.pg[w.depth]);
		if (w.depth-- == 0)
			return 0;
		w.pg[w.depth]->nr_validated++;
	}
}

/* ---- What must stop ---- */

/*
 * There is room: between two calls of page_type_finish() that came to an end a vcpu, or a visitor,
 * parks
 *   one   a table that is refused half way (undo()), or whose last reference an
 *         operation drops; never both, and a put of an l1 table never: it is one budget of a walk
 *   one   more: the table that mmu_update held, another vcpu having unpinned it, or the old L3 of
 *         its batch; the kernel's L4 of a context whose user's is refused (vcpu_context.c).
 * Both of mmu_update's and an entry's own do not come together: hold() and make_room() stop the
 * list when what they let go is parked. What has no list, an emulated store too, begins with
 * page_type_finish_parked().
 */
void page_type_park(struct page_info *pg)
{
	mfn_t *place = page_type_parking();

	if (mfn_is_valid_num(*place))
		place++;
	BUG_ON(mfn_is_valid_num(*place));
	*place = page_mfn(pg);
}
