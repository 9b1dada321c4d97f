/* SPDX-License-Identifier: MIT */
/*
 * Where a domain's vcpus may run, as the tools ask and say it.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_vcpuaffinity;

/* Both masks as they are. 0; -EINVAL: no flag, no such vcpu; -EFAULT. */
long vcpu_affinity_get(struct domain *d, const struct xen_domctl_vcpuaffinity *op);
/*
 * The hard mask; the effective one goes back. 0; -EINVAL: no flag, no such vcpu, no CPU of this
 * machine; -EOPNOTSUPP: the soft one, which is not built; -EFAULT. Nothing has changed but on 0,
 * and on an -EFAULT on the way back.
 */
long vcpu_affinity_set(struct domain *d, const struct xen_domctl_vcpuaffinity *op);
