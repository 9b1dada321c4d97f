/* SPDX-License-Identifier: MIT */
/*
 * What the control domain sets of a domain, and asks back: <xen/domctl.h>.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_nodeaffinity;
struct xen_domctl_paging_mempool;
struct xen_domctl_tsc_info;

/* So many KiB at most; what it has more it keeps. 0. */
long domain_set_max_mem(struct domain *d, u64 kib);

/*
 * How the TSC is to read. 0; -EOPNOTSUPP: emulated, which is not built; -EINVAL. The scale of a
 * domain that comes from elsewhere is not kept: it reads this machine's.
 */
long domain_set_tsc(struct domain *d, const struct xen_domctl_tsc_info *info);
void domain_get_tsc(const struct domain *d, struct xen_domctl_tsc_info *info);

/* Where its memory is to be: the machine is one node, 0. 0; -EINVAL: not there; -EFAULT. */
long domain_set_nodes(const struct xen_domctl_nodeaffinity *nodes);
long domain_get_nodes(const struct xen_domctl_nodeaffinity *nodes);

/*
 * How many bytes the nested tables of an HVM domain may have: they are taken when they are needed,
 * not before. 0; -EOPNOTSUPP not an HVM domain; -EINVAL no whole pages.
 */
long domain_set_pool(struct domain *d, const struct xen_domctl_paging_mempool *pool);
long domain_get_pool(struct domain *d, struct xen_domctl_paging_mempool *pool);
