/* SPDX-License-Identifier: MIT */
/*
 * What the control domain may know of a domain and its vcpus.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_getdomaininfo;
struct xen_domctl_getvcpuinfo;

/* All of *@info, of a moment: d's vcpus run on. A reference on @d is held. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/* The vcpu that *@info names. 0; -EINVAL: there is none. */
int __must_check vcpu_info(struct domain *d, struct xen_domctl_getvcpuinfo *info);
