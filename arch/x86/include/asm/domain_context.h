/* SPDX-License-Identifier: MIT */
/*
 * domctl's calls that fill another domain's vcpus and memory, and read them: how the tools make a
 * domain that can run, and save one. None is for the caller itself: -EINVAL there, by domctl.c.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_hypercall_init;
struct xen_domctl_vcpucontext;

/*
 * XEN_DOMCTL_setvcpucontext. 0; -EINVAL no such vcpu, or as vcpu_set_context(); -EOPNOTSUPP it has
 * a context with other tables already; -EFAULT; -EOVERFLOW paused too often; -ERESTART: to be
 * continued. Without a context: vcpu_reset().
 */
long domain_set_vcpu_context(struct domain *d, const struct xen_domctl_vcpucontext *op);
/* XEN_DOMCTL_getvcpucontext. 0; -EINVAL; -ENODATA it has none; -EFAULT; -EOVERFLOW. */
long domain_get_vcpu_context(struct domain *d, const struct xen_domctl_vcpucontext *op);
/*
 * XEN_DOMCTL_hypercall_init. 0; -EINVAL no frame of @d's; -EPERM not one that may be written to;
 * -ERESTART.
 */
long domain_fill_hypercall_page(struct domain *d, const struct xen_domctl_hypercall_init *op);
