/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain writes: asm/log_dirty.h.
 *
 * LOG-1: a frame's bit PGT_clean says that its contents, its use and its name have not changed
 * since the log was last read, when it was set. Who takes a reference to write on the frame,
 * locks it as a table, pins it or ends its use clears the bit first (mm/type_word.c); so does the
 * shadow before it lets a guest's translation write (shadow/fault.c). References from before are
 * those of
 *   the guest's own entries     seen by the shadow, which shows nothing writable that is clean, and
 *                               has forgotten all when the vcpus come back from a read
 *   nested tables               leaves that show what is clean are not writable (asm/p2m_log.h)
 *   other domains               a frame with any reference of theirs is never clean
 *   descriptor windows          seg_desc frames are never clean: the processor marks what it loads
 *   the hypervisor, for good    mark_unseen() makes them dirty again behind each read
 * While bits are set the domain's vcpus are off their CPUs, and nobody visits it: so no write
 * stands between a mark that was taken and its store. What a read reports is to be copied after it.
 */
#define __XEN_TOOLS__ 1
#include <asm/desc.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/log_dirty.h>
#include <asm/m2p.h>
#include <asm/p2m_log.h>
#include <asm/page_mark.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/preempt.h>
#include <asm/shadow.h>
#include <asm/uaccess.h>
#include <asm/visit.h>
#include <isola/errno.h>
#include <isola/evtchn_fifo.h>
#include <isola/lib/bitmap.h>
#include <isola/vcpu.h>
#include <xen/domctl.h>

/* Frames, and bytes of the bitmap, between two looks whether somebody waits for this CPU. */
#define FRAMES_AT_ONCE	1024u
#define BYTES_AT_ONCE	PAGE_SIZE

/* ---- Frames that are written without anybody asking ------------------------------------------ */

static void mark_maddr(u64 maddr)
{
	if (maddr)
		page_mark_dirty(page_of(maddr_to_mfn(maddr)));
}

static void mark_fifo(const struct domain *d, const struct evtchn_fifo *f)
{
	for (u32 i = 0; i < f->nr_words / FIFO_WORDS_PER_PAGE; i++)
		page_mark_dirty(page_of(f->words[i]));
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		mark_maddr(f->vcpu[i].control);
}

/* What holds them is held by the domain, which waits. */
static void mark_unseen(struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		mark_maddr(d->vcpu[i]->vcpu_info_maddr);
	mark_maddr(d->pirq_eoi_maddr);
	if (mfn_is_valid_num(d->console_mfn))
		page_mark_dirty(page_of(d->console_mfn));
	spin_lock(&d->evtchn_lock);
	if (d->evtchn_fifo)
		mark_fifo(d, d->evtchn_fifo);
	spin_unlock(&d->evtchn_lock);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is asked: the bitmap (0: none), its bits; are frames to be clean from now on? */
struct reading {
	u64 bitmap, nr;
	bool cleans;
};

static int report(const struct reading *r, u64 pfn)
{
	u64 at = r->bitmap + pfn / 8;
	u8 byte;

	if (!r->bitmap)
		return 0;
	if (copy_from_guest(&byte, at, 1))
		return -EFAULT;
	byte |= 1u << pfn % 8;
	return copy_to_guest(at, &byte, 1);
}

static void count(struct domain *d, u32 nr)
{
	d->log.nr_dirty += min(nr, ~0u - d->log.nr_dirty);
}

/* Where a reading ends: a frame's number, or a gfn. */
static u64 end_of(const struct domain *d, const struct reading *r)
{
	return d->hvm ? min(READ_ONCE(d->hvm->p2m.highest) + 1, r->nr) : max_page;
}

/* A frame without a name, or of one that is not asked for, stays as it is. */
static int read_frame(struct domain *d, const struct reading *r, mfn_t m)
{
	struct page_info *pg = page_of(m);
	u64 pfn;
	int rc;

	if (!page_is_to_be_had(pg, d) || page_is_clean(pg))
		return 0;
	pfn = pfn_x(m2p_get(m));
	if (pfn >= r->nr)
		return 0;
	rc = report(r, pfn);
	if (rc)
		return rc;
	count(d, 1);
	if (r->cleans)
		page_set_clean(pg);
	return 0;
}

/* By frames: their names are in the M2P. */
static int read_frames(struct domain *d, const struct reading *r)
{
	u64 end = min(d->log.at + FRAMES_AT_ONCE, max_page);
	int rc = 0;

	for (; !rc && d->log.at < end; d->log.at++)
		if (mfn_has_page(_mfn(d->log.at)))
			rc = read_frame(d, r, _mfn(d->log.at));
	return rc;
}

/*
 * The gfns from @first on, 64 at most. What becomes dirty between the two looks is reported by the
 * first, or is not made clean by the second.
 */
static int read_gfns(struct domain *d, const struct reading *r, u64 first, u64 *next)
{
	u64 nr = min(r->nr - first, (u64)P2M_LOG_GFNS);
	u64 dirty = p2m_log_dirty(&d->hvm->p2m, first, next) & (~0ul >> (P2M_LOG_GFNS - nr));

	if (!dirty)
		return 0;
	if (r->bitmap && copy_to_guest(r->bitmap + first / 8, &dirty, (nr + 7) / 8))
		return -EFAULT;
	count(d, bitmap_weight(&dirty, P2M_LOG_GFNS));
	if (r->cleans)
		p2m_log_clean(&d->hvm->p2m, first, dirty);
	return 0;
}

/* By nested tables. */
static int read_nested(struct domain *d, const struct reading *r)
{
	u64 end = end_of(d, r);
	int rc = 0;

	for (unsigned n = 0; !rc && n < FRAMES_AT_ONCE && d->log.at < end; n += P2M_LOG_GFNS)
		rc = read_gfns(d, r, d->log.at, &d->log.at);
	return rc;
}

static int clear_bitmap(struct domain *d, const struct reading *r)
{
	u64 bytes = r->bitmap ? (r->nr + 7) / 8 : 0;

	while (d->log.bytes < bytes) {
		u64 some = min(bytes - d->log.bytes, (u64)BYTES_AT_ONCE);

		if (copy_to_guest(r->bitmap + d->log.bytes, hv_zero_page, some))
			return -EFAULT;
		d->log.bytes += some;
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

static int read_all(struct domain *d, const struct reading *r)
{
	int rc = 0;

	while (!rc && d->log.at < end_of(d, r)) {
		rc = d->hvm ? read_nested(d, r) : read_frames(d, r);
		if (!rc && hypercall_preempt_check())
			rc = -ERESTART;
	}
	return rc;
}

/*
 * With the domain at rest, and nobody there. What its vcpus write when they run on, before this
 * operation is, is found by it or by the next.
 */
static int at_rest(struct domain *d, int (*fn)(struct domain *d, const struct reading *r),
		   const struct reading *r)
{
	int rc = domain_pause_by_control(d);

	if (rc)
		return rc;
	rc = -ERESTART;
	if (visit_keep_off(d)) {
		rc = fn(d, r);
		visit_allow(d);
	}
	return domain_unpause_by_control(d) ?: rc;
}

/* However far it comes: what is written unseen while it is stopped is in the next reading. */
static int read_and_mark(struct domain *d, const struct reading *r)
{
	int rc = read_all(d, r);

	mark_unseen(d);
	return rc;
}

/* Faults that were the log's: those of shadows, and stores that asked; it wraps. */
static u32 faults(const struct domain *d)
{
	u32 sum = d->hvm ? READ_ONCE(d->hvm->p2m.stores) : 0;

	for (unsigned i = 0; i < d->nr_vcpus; i++)
		sum += d->vcpu[i]->shadow.faults;
	return sum;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void begin(struct domain *d, u32 op)
{
	if (d->log.op == op)
		return;
	d->log.op = op;
	d->log.bytes = d->log.at = d->log.nr_dirty = 0;
}

/* Only -ERESTART leaves something to come back to. */
static long end(struct domain *d, long rc)
{
	if (rc != -ERESTART)
		d->log.op = 0;
	return rc;
}

static long read_log(struct domain *d, struct xen_domctl_shadow_op *op)
{
	struct reading r = { .bitmap = (u64)op->dirty_bitmap.p, .nr = op->pages,
			     .cleans = op->op == XEN_DOMCTL_SHADOW_OP_CLEAN };
	long rc;

	if (op->mode & ~XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL)
		return -EINVAL;
	begin(d, op->op);
	rc = clear_bitmap(d, &r);
	if (!rc && d->log.on)
		rc = at_rest(d, read_and_mark, &r);
	if (!rc) {
		op->stats.fault_count = faults(d) - d->log.faults;
		op->stats.dirty_count = d->log.nr_dirty;
		if (r.cleans)
			d->log.faults = faults(d);
	}
	return end(d, rc);
}

static int shadow_all(struct domain *d, const struct reading *r __maybe_unused)
{
	return d->hvm ? 0 : shadow_create_all(d);
}

static int shadow_none(struct domain *d, const struct reading *r __maybe_unused)
{
	if (!d->log.for_good)
		shadow_destroy_all(d);
	d->log.on = false;
	d->log.op = 0;
	return 0;
}

static long turn_off(struct domain *d)
{
	long rc = at_rest(d, shadow_none, NULL);

	return end(d, rc);
}

/* All is clean once everything that is written can be seen. */
static long turn_on(struct domain *d)
{
	static const struct reading sweep = { .nr = ~0ul, .cleans = true };
	long rc;

	if (d->log.on && d->log.op != XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY)
		return -EINVAL;
	begin(d, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
	rc = at_rest(d, shadow_all, NULL);
	if (rc == -ENOMEM && at_rest(d, shadow_none, NULL) == -ERESTART)
		rc = -ERESTART;
	if (!rc) {
		d->log.on = true;
		rc = at_rest(d, read_and_mark, &sweep);
	}
	if (!rc)
		d->log.faults = faults(d);
	return end(d, rc);
}

long domain_log_dirty(struct domain *d, struct xen_domctl_shadow_op *op)
{
	u32 what = op->op;

	if (what == XEN_DOMCTL_SHADOW_OP_ENABLE && op->mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY)
		what = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
	if (what == XEN_DOMCTL_SHADOW_OP_OFF)
		return d->log.on || d->log.op ? turn_off(d) : 0;
	if (!d->nr_vcpus)
		return -EINVAL;
	if (d->log.op && d->log.op != what)
		return -EBUSY;
	switch (what) {
	case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
		return turn_on(d);
	case XEN_DOMCTL_SHADOW_OP_CLEAN:
	case XEN_DOMCTL_SHADOW_OP_PEEK:
		return read_log(d, op);
	default:
		return -EOPNOTSUPP;
	}
}

void domain_log_end(struct domain *d)
{
	shadow_destroy_all(d);
	d->log.on = false;
}
