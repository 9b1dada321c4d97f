/* SPDX-License-Identifier: MIT */
/*
 * What the tools ask and tell beside contexts when they save a domain, and restore one: domctl's
 * calls, of another domain than the caller's. What is not of the vcpus is public.
 *
 * Errors of all that name a vcpu: -EINVAL no such, -ENODATA (get) it has no context, -EFAULT,
 * -EOVERFLOW paused too often.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_ext_vcpucontext;
struct xen_domctl_getpageframeinfo3;
struct xen_domctl_vcpu_msrs;
struct xen_domctl_vcpuextstate;

/*
 * XEN_DOMCTL_getpageframeinfo3: the use that each frame of a list is put to, in place of its
 * number. 0; -E2BIG more than 1024; -EFAULT.
 */
long domain_page_uses(const struct domain *d, const struct xen_domctl_getpageframeinfo3 *op);

/* XEN_DOMCTL_{get,set}_ext_vcpucontext: callbacks of 32-bit SYSCALL, and SYSENTER. */
long domain_get_ext_context(struct domain *d, struct xen_domctl_ext_vcpucontext *op);
long domain_set_ext_context(struct domain *d, const struct xen_domctl_ext_vcpucontext *op);

/*
 * XEN_DOMCTL_{get,set}vcpuextstate: XSAVE's image, behind XCR0 and what components there are ever
 * to be. Nothing without XSAVE. get without a buffer says how much there can be. -EINVAL too: the
 * buffer is too small, or what is in it no state that this CPU has; -EOPNOTSUPP: a compacted one.
 */
long domain_get_xstate(struct domain *d, struct xen_domctl_vcpuextstate *op);
long domain_set_xstate(struct domain *d, const struct xen_domctl_vcpuextstate *op);

/*
 * XEN_DOMCTL_{get,set}_vcpu_msrs: TSC_AUX, if it is not 0. get without a buffer says how many there
 * can be. -ENOBUFS: more than there is room for; set, -EINVAL: one that is not known, whose index
 * is then in msr_count.
 */
long domain_get_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *op);
long domain_set_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *op);
