/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain's grants. What its handles hold is given back from the top down, some at a
 * time behind one flush (TLB-5); how far it has come is in nr_handles (LIFE-1: a stage that can be
 * called again). Its vcpus do not run: nobody else makes, unmaps or looks at its handles.
 */
#include <isola/errno.h>
#include <asm/gnttab.h>
#include <asm/gnttab_pin.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/preempt.h>
#include <asm/tlb.h>
#include <isola/vcpu.h>

/* From now on nobody touches its frames: they may go before others have unmapped. */
static void close_table(struct grant_table *t)
{
	spin_lock(&t->lock);
	t->closed = true;
	spin_unlock(&t->lock);
}

static void unpin(struct domain *rd, const struct grant_handle *h)
{
	bool write = !(h->flags & GNTMAP_readonly);
	struct grant_table *t = rd->grants;

	spin_lock(&t->lock);
	gnttab_unpin(rd, h->ref, current->domain, write);
	spin_unlock(&t->lock);
}

/* The lender, which may be dying, must not go with its last frame before its pin does. */
static void give_back(struct domain *d, const struct grant_handle *h)
{
	struct page_info *pg = page_of(_mfn(h->mfn));
	struct domain *rd = page_owner(pg);

	get_knownalive_domain(rd);
	if (!(h->flags & GNTMAP_readonly))
		page_type_put_leaf(pg);
	page_put_of(pg, d);
	unpin(rd, h);
	put_domain(rd);
}

static void give_some_back(struct domain *d)
{
	struct grant_table *t = d->grants;

	tlb_flush_vcpus(d, ~0ul, ~0ul);
	for (unsigned i = 0; i < GNTTAB_UNMAP_BATCH && t->nr_handles; i++) {
		struct grant_handle *h = &t->handles[--t->nr_handles];

		if (h->flags & GNTTAB_MAPPED)
			give_back(d, h);
		h->flags = 0;
	}
}

int gnttab_release_mappings(struct domain *d)
{
	struct grant_table *t = d->grants;

	if (!t)
		return 0;
	close_table(t);
	t->free_handle = 0;
	while (t->nr_handles) {
		give_some_back(d);
		if (t->nr_handles && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}
