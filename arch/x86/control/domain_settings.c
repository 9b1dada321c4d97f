/* SPDX-License-Identifier: MIT */
/*
 * What the control domain sets of a domain: asm/domain_settings.h.
 */
#define __XEN_TOOLS__ 1
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/time.h>
#include <asm/cpu_mask.h>
#include <asm/domain_settings.h>
#include <asm/hvm_domain.h>
#include <asm/numa.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>

long domain_set_max_mem(struct domain *d, u64 kib)
{
	u64 pages = kib >> (PAGE_SHIFT - 10);

	spin_lock(&d->page_lock);
	d->max_pages = min(pages, ~0u + 0ul);
	spin_unlock(&d->page_lock);
	return 0;
}

/* ---- The pool of nested tables --------------------------------------------------------------- */

/* Less than it has is no more than that: it gets none, and gives none back. */
long domain_set_pool(struct domain *d, const struct xen_domctl_paging_mempool *pool)
{
	if (!d->hvm)
		return -EOPNOTSUPP;
	if (pool->size & ~PAGE_MASK || pool->size >> PAGE_SHIFT > ~0u)
		return -EINVAL;
	WRITE_ONCE(d->hvm->p2m.max_tables, pool->size >> PAGE_SHIFT);
	return 0;
}

long domain_get_pool(struct domain *d, struct xen_domctl_paging_mempool *pool)
{
	if (!d->hvm)
		return -EOPNOTSUPP;
	pool->size = (u64)READ_ONCE(d->hvm->p2m.max_tables) << PAGE_SHIFT;
	return 0;
}

/* ---- The TSC --------------------------------------------------------------------------------- */

/* ABI (Xen's tsc_mode=): numbers that no header has. */
enum { TSC_DEFAULT, TSC_ALWAYS_EMULATE, TSC_NEVER_EMULATE };

long domain_set_tsc(struct domain *d, const struct xen_domctl_tsc_info *info)
{
	if (info->tsc_mode == TSC_ALWAYS_EMULATE)
		return -EOPNOTSUPP;
	if (info->tsc_mode != TSC_DEFAULT && info->tsc_mode != TSC_NEVER_EMULATE)
		return -EINVAL;
	d->tsc_mode = info->tsc_mode;
	d->tsc_incarnation = info->incarnation;
	return 0;
}

void domain_get_tsc(const struct domain *d, struct xen_domctl_tsc_info *info)
{
	bool told = d->tsc_mode == TSC_DEFAULT;

	*info = (struct xen_domctl_tsc_info){
		.tsc_mode = d->tsc_mode, .incarnation = d->tsc_incarnation,
		.gtsc_khz = told ? tsc_khz : 0, .elapsed_nsec = told ? now_ns() : 0,
	};
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

/* A domain's memory comes from anywhere: what is asked for is checked, and not kept. */

long domain_set_nodes(const struct xen_domctl_nodeaffinity *nodes)
{
	cpu_mask mask;			/* there are no more nodes than CPUs */
	long rc = cpu_mask_from_guest(&nodes->nodemap, mask);

	if (rc)
		return rc;
	for (unsigned node = 0; node < numa_nr_nodes; node++)
		if (bitmap_test(mask, node))
			return 0;
	return -EINVAL;
}

long domain_get_nodes(const struct xen_domctl_nodeaffinity *nodes)
{
	cpu_mask mask = { 0 };

	bitmap_set_range(mask, 0, numa_nr_nodes);
	return cpu_mask_to_guest(&nodes->nodemap, mask);
}
