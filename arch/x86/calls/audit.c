/* SPDX-License-Identifier: MIT */
/*
 * The audit (CONFIG_AUDIT): every count of the calling domain's frames, recomputed from the roots
 * of what may hold references; and that each frame it has is on its list.
 *
 * It needs no memory: going down from the roots it takes away from each frame what is found to hold
 * it; then each frame must have nothing left but its allocation reference; then the same walk gives
 * everything back. Nothing may change meanwhile: this vcpu is here, and the domain's others rest,
 * down and off their CPUs; vcpus_lock keeps them so. What the walk reaches is marked by PGT_locked,
 * which nobody else uses then. What it finds is told within the rate limit of guests' lines.
 *
 * Others do not rest. So nothing is taken away from frames that are not only the domain's own: of
 * another's that an L1 entry or a handle names it is asked that it knows of others; one's own that
 * is shared out is left out. (One that others take for the first time just now would be counted
 * wrong: lend nothing new before the audit.)
 *
 * Roots: pins, partial marks, base pointers, descriptor frames and parked tables of every
 * initialised vcpu, vcpu_info, shared_info, the page of EOI bits, pages of FIFO event channels,
 * grant frames, handles of grants.
 * A table is gone into once, level by level from 4 down: no recursion.
 */
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/mapcache.h>
#include <asm/oom.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/evtchn_fifo.h>
#include <isola/printk.h>
#include <isola/privilege.h>
#include <isola/sched.h>
#include <isola/vcpu.h>

#define MAX_FAULTS 8

enum direction { TAKE_AWAY, GIVE_BACK };

struct audit {
	struct domain *d;
	enum direction direction;
	u64 nr_frames, nr_tables, nr_references, nr_foreign;
	bool is_list_wrong;
	unsigned nr_faults;
	struct {
		mfn_t m;
		u64 general, type;	/* more than there should be */
	} fault[MAX_FAULTS];
};

static void complain(const struct audit *a, mfn_t m, const char *what, u64 value)
{
	if (a->direction == TAKE_AWAY && a->nr_faults < MAX_FAULTS)
		guest_err("audit: d%u frame %lx: %s %lx", a->d->domid, mfn_x(m), what, value);
}

/* Within the count: what is wrong may not spill into the flags. */
static void add(u64 *word, u64 count_mask, u64 step)
{
	*word = (*word & ~count_mask) | ((*word + step) & count_mask);
}

/* One holder of @m, which is not the domain's: only a holder that names data may be that. */
static void hold_foreign(struct audit *a, mfn_t m, u64 type)
{
	u64 x = mfn_has_page(m) ? READ_ONCE(page_of(m)->count_info) : 0;

	a->nr_foreign++;
	if ((x & PGC_foreign_mask) && (type == PGT_none || type == PGT_writable))
		return;
	complain(a, m, "held by, but does not belong to, domain", a->d->domid);
	a->nr_faults += a->direction == TAKE_AWAY;
}

/* One holder of @m: a general reference and, unless @type is 0 (PGT_none), a type reference. */
static void hold(struct audit *a, mfn_t m, u64 type)
{
	u64 step = a->direction == TAKE_AWAY ? -1ul : 1;
	struct page_info *pg;

	if (!mfn_is_valid_num(m))
		return;
	if (!mfn_has_page(m) || page_of(m)->owner != a->d->domid) {
		hold_foreign(a, m, type);
		return;
	}
	pg = page_of(m);
	a->nr_references++;
	if (type_level(type) && a->direction == TAKE_AWAY)
		pg->type_info |= PGT_locked;
	if (page_is_shared_out(pg))
		return;
	add(&pg->count_info, PGC_own_mask, step * PGC_one);
	if (!type)
		return;
	if ((pg->type_info & PGT_type_mask) != type) {
		complain(a, m, "is held as another type than it is:", type);
		a->nr_faults += a->direction == TAKE_AWAY;
	}
	add(&pg->type_info, PGT_count_mask, step);
}

static void hold_entry(struct audit *a, unsigned level, pte_t e)
{
	if (!pte_present(e))
		return;
	if (level > 1)
		hold(a, pte_mfn(e), level_type(level - 1));
	else if (!is_io_frame(pte_mfn(e)))
		hold(a, pte_mfn(e), e & PTE_RW ? PGT_writable : PGT_none);
}

static void hold_table(struct audit *a, const struct page_info *pg, unsigned level)
{
	unsigned n = pg->type_info & PGT_partial ? pg->nr_validated : PT_ENTRIES;
	const pte_t *table = window_ptr(page_mfn(pg));

	a->nr_tables++;
	for (unsigned i = 0; i < n; i++)
		if (level < 4 || i < L4_SLOT_HV_FIRST || i > L4_SLOT_HV_LAST)
			hold_entry(a, level, pte_read(&table[i]));
}

static void hold_marks(struct audit *a, struct page_info *pg)
{
	if (pg->type_info & PGT_pinned)
		hold(a, page_mfn(pg), pg->type_info & PGT_type_mask);
	if (pg->type_info & PGT_partial)
		hold(a, page_mfn(pg), pg->type_info & PGT_type_mask);
}

static void hold_vcpu(struct audit *a, const struct vcpu *v)
{
	const struct vcpu_private *p = v == current ? &this_vcpu
						    : map_domain_page(v->private_mfn[0]);

	hold(a, p->kernel_l4, PGT_l4);
	hold(a, p->user_l4, PGT_l4);
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		hold(a, p->gdt_frame[i], PGT_seg_desc);
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		hold(a, p->ldt_frame[i], PGT_seg_desc);
	for (unsigned i = 0; i < NR_PARKED; i++)
		hold(a, p->old_guest_table[i], PGT_none);
	if (v != current)
		unmap_domain_page(p);
}

static void hold_grants(struct audit *a, const struct grant_table *t)
{
	for (u32 i = 0; i < t->nr_frames; i++)
		hold(a, t->frame[i], PGT_writable);
	for (u32 h = 0; t->handles && h < t->nr_handles; h++)
		if (t->handles[h].flags & GNTTAB_MAPPED)
			hold(a, _mfn(t->handles[h].mfn),
			     t->handles[h].flags & GNTMAP_readonly ? PGT_none : PGT_writable);
}

static void hold_fifo(struct audit *a, const struct domain *d, const struct evtchn_fifo *f)
{
	if (!f)
		return;
	for (u32 i = 0; i < f->nr_words / FIFO_WORDS_PER_PAGE; i++)
		hold(a, f->words[i], PGT_writable);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (f->vcpu[i].control)
			hold(a, maddr_to_mfn(f->vcpu[i].control), PGT_writable);
}

#define for_each_frame(a, pg) \
	for (pg = page_of(_mfn((a)->d->page_list)); mfn_x(page_mfn(pg)); \
	     pg = page_of(_mfn(pg->next)))

static void walk(struct audit *a, enum direction direction)
{
	struct domain *d = a->d;
	struct page_info *pg;

	a->direction = direction;
	for_each_frame(a, pg)
		hold_marks(a, pg);
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		if (d->vcpu[i]->initialised)
			hold_vcpu(a, d->vcpu[i]);
		if (d->vcpu[i]->vcpu_info_maddr)
			hold(a, maddr_to_mfn(d->vcpu[i]->vcpu_info_maddr), PGT_writable);
	}
	for (unsigned i = 0; i < NR_PARKED; i++)
		hold(a, d->visit_parked[i], PGT_none);
	hold(a, d->shared_info_mfn, PGT_writable);
	hold(a, d->console_mfn, PGT_writable);
	if (d->pirq_eoi_maddr)
		hold(a, maddr_to_mfn(d->pirq_eoi_maddr), PGT_writable);
	hold_grants(a, d->grants);
	hold_fifo(a, d, d->evtchn_fifo);
	for (unsigned level = 4; level; level--)
		for_each_frame(a, pg)
			if (type_level(pg->type_info) == level && (pg->type_info & PGT_locked))
				hold_table(a, pg, level);
}

/* Everything found has been taken away: what is left must be the allocation reference. */
static void check(struct audit *a)
{
	struct page_info *pg;

	for_each_frame(a, pg) {
		u64 general = pg->count_info & PGC_own_mask;
		u64 type = pg->type_info & PGT_count_mask;

		a->nr_frames++;
		if ((!general && !type) || page_is_shared_out(pg))
			continue;
		if (a->nr_faults < MAX_FAULTS) {
			a->fault[a->nr_faults].m = page_mfn(pg);
			a->fault[a->nr_faults].general = general;
			a->fault[a->nr_faults].type = type;
		}
		a->nr_faults++;
	}
}

/* Frames that are listed and not counted: shared_info and the grant table. */
static u32 nr_special(const struct domain *d)
{
	return 1 + d->grants->nr_frames;
}

/*
 * A frame leaves its domain's list, and another comes for it, within one call: while all rest, each
 * frame that is counted is listed.
 */
static void check_list(struct audit *a)
{
	a->is_list_wrong = a->nr_frames != (u64)a->d->nr_pages + nr_special(a->d);
	a->nr_faults += a->is_list_wrong;
}

static void unmark(struct audit *a)
{
	struct page_info *pg;

	for_each_frame(a, pg)
		pg->type_info &= ~PGT_locked;
}

static void report(const struct audit *a)
{
	if (a->is_list_wrong)
		guest_err("audit: d%u has %u frames and %u special ones, and lists %lu",
			  a->d->domid, a->d->nr_pages, nr_special(a->d), a->nr_frames);
	for (unsigned i = 0; i < min(a->nr_faults, MAX_FAULTS + 0u); i++) {
		const struct page_info *pg = page_of(a->fault[i].m);

		if (!mfn_x(a->fault[i].m))
			continue;	/* one that hold() has spoken of */
		guest_err("audit: d%u frame %lx: count %lx, should be %lx; type %lx, count should "
			  "be %lx",
			  a->d->domid, mfn_x(a->fault[i].m), pg->count_info,
			  pg->count_info - a->fault[i].general, pg->type_info,
			  (pg->type_info - a->fault[i].type) & PGT_count_mask);
	}
}

/*
 * Is nothing else of the domain on the move? 0: and nothing will be as long as vcpus_lock is held,
 * which it is; -ERESTART: it soon will not; -EBUSY.
 */
static int alone(const struct domain *d)
{
	int rc = 0;

	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		const struct vcpu *v = d->vcpu[i];

		if (v == current || vcpu_is_at_rest(v))
			continue;
		if (READ_ONCE(v->state) != VCPU_DOWN)
			return -EBUSY;
		rc = -ERESTART;
	}
	return rc;
}

/* vcpus_lock held. */
static int recount(struct audit *a)
{
	int rc = alone(a->d);

	ASSERT_LOCKED(&a->d->vcpus_lock);
	ASSERT_OWNER_LOADED(a->d);
	if (rc)
		return rc;
	spin_lock(&a->d->page_lock);
	walk(a, TAKE_AWAY);
	check(a);
	check_list(a);
	walk(a, GIVE_BACK);
	unmark(a);
	spin_unlock(&a->d->page_lock);
	return 0;
}

/*
 * @cmd above 0: of oom.h. @cmd 0: every count is right: 0; > 0: so many frames' are wrong, the
 * first of them named on the console; -EBUSY: another vcpu is not down; -EPERM; -EINVAL. Waits for
 * those that are on their way down.
 */
long hc_audit(u64 cmd, u64 a2)
{
	struct audit a = { .d = current->domain };
	int rc;

	if (!domain_may(a.d, MAY_audit))
		return -EPERM;
	if (cmd)
		return oom_op(cmd, a2);
	spin_lock(&a.d->vcpus_lock);
	rc = recount(&a);
	spin_unlock(&a.d->vcpus_lock);
	if (rc == -ERESTART)
		return hypercall_continue(audit, cmd, a2);
	if (rc)
		return rc;
	report(&a);
	return a.nr_faults;
}
