/* SPDX-License-Identifier: MIT */
/*
 * What CPUID and MSRs show a domain, as the control domain sets it before the domain begins, and
 * asks it back: <xen/domctl.h>.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_cpu_policy;

/*
 * Features that domains are not shown are left out silently. 0; or nothing has changed: -E2BIG;
 * -ERANGE no such leaf or MSR; -EINVAL a number of leaves, or an MSR's value, beyond what there is;
 * -EOVERFLOW bits that an MSR has not; -EFAULT; -ENOMEM; -EEXIST it has begun. *@policy then says
 * which leaf or MSR it was, or ~0.
 */
long domain_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *policy);
/* Null buffers ask how many there are at most. 0; -ENOBUFS; -EFAULT. */
long domain_get_cpu_policy(const struct domain *d, struct xen_domctl_cpu_policy *policy);
