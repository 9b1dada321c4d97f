/* SPDX-License-Identifier: MIT */
/*
 * The type word of a frame: one state machine, changed by atomic operations only.
 *
 *   state    type count flags      who owns the contents
 *   idle     T    0     -          nobody; T is the last use, tlb_stamp says when it ended;
 *                                  T none: not used since it was scrubbed
 *   busy     T    1     -          one CPU, flushing, validating or taking apart
 *   partial  T    1     partial    nobody: progress in nr_validated; the mark owns the type and one
 *                                  general reference (PRE-2)
 *   live     T    n>=1  validated  the holders; changes of entries need the page lock
 *            + locked: one CPU changes its entries;   + pinned: one of the n is the pin
 *
 *   event \ state  idle              busy             partial            live
 *   take T         busy, flush if    wait (leaf) or   busy, go on: the   count + 1
 *                  the type changes  -EINTR (table)   mark's references
 *                  (leaf: live)                       become the taker's
 *   take other     as above          -EBUSY           -EBUSY             -EBUSY
 *   publish        impossible        live             impossible         impossible
 *   suspend        impossible        partial          impossible         impossible
 *   drop           bug               bug              bug                count - 1; 1: busy
 *   end            bug               idle, stamped    bug                bug
 *   steal          no                no               busy               no
 *   lock           impossible        no               no                 locked, or waits
 *   pin / unpin    unpin: no         unpin: no        unpin: no          set / clear
 *
 * "Impossible" needs a reference that the state does not have; "bug" stops (TYP-6). A leaf is
 * writable or seg_desc. A leaf whose type does not change, or comes from none, goes from idle to
 * live in one step.
 * Beside these stands "clean" (LOG-1): idle or live. Every take, lock and pin clears it, and so
 * does the end of a use; nothing else here looks at it.
 * TLB-2: flush on every change of type, both ways. The stamp is written while busy, so that no
 * other take or drop can come between taking and storing it (XSA-241); the flush comes after the
 * new type is taken (XSA-401).
 * COH-2: a writable frame that is non-coherent stays so while it is idle; whoever takes it for
 * another use flushes its cache lines after the TLBs, before anything is read (XSA-402).
 */
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/preempt.h>
#include <asm/root.h>
#include <asm/seg_desc.h>
#include <asm/tlb.h>
#include <asm/type_word.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/printk.h>

#define TYPE_FLAGS (PGT_pinned | PGT_validated | PGT_partial | PGT_locked)

static_assert((TYPE_FLAGS & (PGT_type_mask | PGT_count_mask)) == 0,
	      "flags, type and count are apart");

static bool cas(struct page_info *pg, u64 *old, u64 new)
{
	return __atomic_compare_exchange_n(&pg->type_info, old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static u64 type_count(u64 x) { return x & PGT_count_mask; }

/*
 * May idle go to live at once? Only where no stale translation of another use can exist; and what
 * is clean is so no more.
 */
static bool is_same_leaf(u64 old, u64 type)
{
	u64 old_type = old & (PGT_type_mask | PGT_clean);

	return type == PGT_writable && (old_type == PGT_writable || old_type == PGT_none);
}

/* The word after event "take" in state @x, 0 to wait, ~0 for -EBUSY. */
static u64 after_take(u64 x, u64 type)
{
	if ((x & (PGT_type_mask | PGT_validated)) == (type | PGT_validated))
		return type_count(x) < PGT_count_mask ? (x & ~PGT_clean) + 1 : ~0ul;
	if (type_count(x) == 0)
		return is_same_leaf(x, type) ? x | (PGT_writable | PGT_validated | 1) : type | 1;
	if ((x & PGT_type_mask) != type)
		return ~0ul;
	return x & PGT_partial ? x & ~PGT_partial : 0;
}

static __always_inline void flush_tlb(const struct domain *d, const struct page_info *pg)
{
	tlb_flush_stamped(page_is_shared_out(pg) ? NULL : d, pg->tlb_stamp);
}

/* In this order: then nobody can store past the caches any more. */
static __noinline void flush_tlb_and_lines(const struct domain *d, const struct page_info *pg)
{
	flush_tlb(d, pg);
	flush_frame_lines(page_mfn(pg));
}

/* @pg has just gone from idle, last used as @old, to busy. */
static void enter_use(struct domain *d, struct page_info *pg, u64 old, u64 type)
{
	u64 old_type = old & PGT_type_mask;

	if (old_type != type && old_type != PGT_none) {
		if (unlikely(old & PGT_non_coherent))
			flush_tlb_and_lines(d, pg);
		else
			flush_tlb(d, pg);
	}
	pg->nr_validated = 0;
	if (type == PGT_l4)
		root_l4_init(window_ptr(page_mfn(pg)));
}

int page_type_take(struct domain *d, struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info), nx;

	for (;;) {
		nx = after_take(x, type);
		if (nx == ~0ul)
			return -EBUSY;
		if (nx) {
			if (cas(pg, &x, nx))
				break;
			continue;
		}
		/*
		 * Another CPU is at it, for one walk of bounded steps; a leaf is done before the
		 * holder can be preempted.
		 */
		if (type_level(type) && hypercall_preempt_check())
			return -EINTR;
		cpu_relax();
		x = READ_ONCE(pg->type_info);
	}
	if (nx & PGT_validated)
		return TAKEN;
	if (x & PGT_partial)
		page_put(pg);			/* the mark's; the caller holds its own */
	else
		enter_use(d, pg, x, type);
	return TAKEN_TO_VALIDATE;
}

void page_type_publish(struct page_info *pg)
{
	u64 old = __atomic_fetch_or(&pg->type_info, PGT_validated, __ATOMIC_SEQ_CST);

	BUG_ON(type_count(old) != 1 || (old & TYPE_FLAGS));
}

void page_type_suspend(struct page_info *pg)
{
	u64 old = __atomic_fetch_or(&pg->type_info, PGT_partial, __ATOMIC_SEQ_CST);

	BUG_ON(type_count(old) != 1 || (old & TYPE_FLAGS));
}

bool page_type_steal(struct page_info *pg, u64 type)
{
	u64 x = type | 1 | PGT_partial;

	return cas(pg, &x, type | 1);
}

bool page_type_drop(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info), nx;

	do {
		BUG_ON(type_count(x) == 0 || !(x & PGT_validated));
		nx = type_count(x) > 1 ? x - 1 : x & ~(PGT_validated | PGT_clean);
		/* The last one: neither locked nor pinned. */
		BUG_ON(nx != x - 1 && (nx & TYPE_FLAGS));
	} while (!cas(pg, &x, nx));
	return type_count(x) == 1;
}

void page_type_end(struct page_info *pg)
{
	u64 type = READ_ONCE(pg->type_info) & (PGT_type_mask | PGT_non_coherent), old;

	pg->tlb_stamp = tlb_stamp_now();
	old = __atomic_exchange_n(&pg->type_info, type, __ATOMIC_SEQ_CST);
	BUG_ON(old != (type | 1));
}

int page_type_take_leaf(struct domain *d, struct page_info *pg, u64 type)
{
	int rc = page_type_take(d, pg, type);

	if (rc != TAKEN_TO_VALIDATE)
		return rc;
	rc = type == PGT_seg_desc ? seg_desc_check_page(window_ptr(page_mfn(pg))) : 0;
	if (rc)
		page_type_end(pg);
	else
		page_type_publish(pg);
	return rc;
}

int page_type_take_writable(struct domain *d, struct page_info *pg)
{
	return page_type_take_leaf(d, pg, PGT_writable);
}

void page_type_drop_leaf(struct page_info *pg)
{
	if (page_type_drop(pg))
		page_type_end(pg);
}

unsigned page_lock_table_wait(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	for (;;) {
		if (!(x & PGT_validated) || !type_level(x) || type_count(x) == PGT_count_mask)
			return 0;
		if (x & PGT_locked) {
			cpu_relax();
			x = READ_ONCE(pg->type_info);
		} else if (cas(pg, &x, ((x & ~PGT_clean) + 1) | PGT_locked)) {
			return type_level(x);
		}
	}
}
