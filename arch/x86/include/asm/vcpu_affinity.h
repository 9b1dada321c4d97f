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
 * The masks that the flags name; the effective ones go back: of CPUs that there are, and the soft
 * one within the hard. The soft one is kept to be told, and not followed. 0; -EINVAL: no flag, no
 * such vcpu, no mask, a hard one without a CPU of this machine; -EFAULT. Nothing has changed but on
 * 0, and on an -EFAULT on the way back.
 */
long vcpu_affinity_set(struct domain *d, const struct xen_domctl_vcpuaffinity *op);
