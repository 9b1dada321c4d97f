/* SPDX-License-Identifier: MIT */
/*
 * General references. Invariant (TYP-3): count > 0 implies that the owner is set, and it does not
 * change before the count is 0 again; so the owner is looked at after the count has been raised,
 * and the reference given back if it is somebody else's.
 */
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <isola/vcpu.h>
#include <isola/printk.h>

void page_get_again(struct page_info *pg)
{
	u64 old = __atomic_fetch_add(&pg->count_info, PGC_one, __ATOMIC_SEQ_CST);

	/*
	 * Every holder stands for 8 bytes of some table or less than one per vcpu: 2^48 of them do
	 * not exist.
	 */
	BUG_ON((old & PGC_count_mask) == 0 || (old & PGC_count_mask) == PGC_count_mask);
}

void page_share_out(struct page_info *pg)
{
	if (!page_is_shared_out(pg))
		__atomic_fetch_or(&pg->count_info, PGC_shared_out, __ATOMIC_SEQ_CST);
}

struct domain *page_owner(const struct page_info *pg)
{
	domid_t owner = READ_ONCE(pg->owner);
	struct domain *d = current->domain;	/* none before the first guest runs */

	if (!(READ_ONCE(pg->count_info) & PGC_allocated))
		return NULL;
	return likely(d && d->domid == owner) ? d : domain_of_frames(owner);
}
