/* SPDX-License-Identifier: MIT */
/*
 * General references. Invariant (TYP-3): count > 0 implies that the owner is set, and it does not
 * change before the count is 0 again; so the owner is looked at after the count has been raised,
 * and the reference given back if it is somebody else's.
 */
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <isola/vcpu.h>

static bool swap_count(struct page_info *pg, u64 *old, u64 new)
{
	return __atomic_compare_exchange_n(&pg->count_info, old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* ---- The owner's ----------------------------------------------------------------------------- */

bool page_get_asking(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (!count_is_to_be_had(x) || (x & PGC_own_mask) == PGC_own_mask)
			return false;
	} while (!swap_count(pg, &x, x + PGC_one));
	if (READ_ONCE(pg->owner) == d->domid)
		return true;
	page_put(pg);
	return false;
}

void page_get_again(struct page_info *pg)
{
	u64 old = __atomic_fetch_add(&pg->count_info, PGC_one, __ATOMIC_SEQ_CST);

	/*
	 * Every holder stands for 8 bytes of some table or less than one per vcpu: 2^40 of them do
	 * not exist.
	 */
	BUG_ON((old & PGC_own_mask) == 0 || (old & PGC_own_mask) == PGC_own_mask);
}

void page_put_asking(struct page_info *pg)
{
	u64 old = __atomic_fetch_sub(&pg->count_info, PGC_one, __ATOMIC_SEQ_CST);

	BUG_ON(!(old & PGC_own_mask));
}

/* The count of one that has just been put: below 0, it has carried into all above it. */
void page_put_check(const struct page_info *pg)
{
	BUG_ON((READ_ONCE(pg->count_info) & PGC_own_mask) == PGC_own_mask);
}

/* ---- Others' --------------------------------------------------------------------------------- */

bool page_get_foreign(struct page_info *pg, const struct domain *owner)
{
	u64 x = READ_ONCE(pg->count_info);

	/* Not for certain yet; but frames of third parties are not to become shared out. */
	if (READ_ONCE(pg->owner) != owner->domid)
		return false;
	do {
		if (!count_is_to_be_had(x) || (x & PGC_foreign_mask) == PGC_foreign_mask)
			return false;
	} while (!swap_count(pg, &x, ((x & ~PGC_unshared) | PGC_shared_out) + PGC_foreign_one));
	if (READ_ONCE(pg->owner) == owner->domid)
		return true;
	page_put_foreign(pg);
	return false;
}

/* Of an orphan no reference is left, and nobody else knows of it. */
static void queue_orphan(struct page_info *pg)
{
	pg->next = this_cpu.orphans;
	this_cpu.orphans = mfn_x(page_mfn(pg));
	softirq_raise(SOFTIRQ_ORPHANS);
}

void page_put_foreign(struct page_info *pg)
{
	u64 old = __atomic_fetch_sub(&pg->count_info, PGC_foreign_one, __ATOMIC_SEQ_CST);

	BUG_ON(!(old & PGC_foreign_mask));
	if ((old & (PGC_allocated | PGC_foreign_mask)) == PGC_foreign_one)
		queue_orphan(pg);
}

void page_put_asking_whose(struct page_info *pg, const struct domain *d)
{
	/* Until it is put it keeps the frame's owner. */
	if (READ_ONCE(pg->owner) == d->domid)
		page_put_asking(pg);
	else
		page_put_foreign(pg);
}

struct domain *page_owner(const struct page_info *pg)
{
	domid_t owner = READ_ONCE(pg->owner);
	struct domain *d = current->domain;	/* none before the first guest runs */

	return likely(d && d->domid == owner) ? d : domain_of_frames(owner);
}
