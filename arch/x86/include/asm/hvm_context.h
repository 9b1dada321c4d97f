/* SPDX-License-Identifier: MIT */
/*
 * The context of an HVM domain, as the control domain writes and reads it: domctl's gethvmcontext
 * and sethvmcontext.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_hvmcontext;
struct xen_domctl_hvmcontext_partial;
struct vcpu_guest_context;

/*
 * All records of @d that there are: a header, of each vcpu that is up its processor and its FPU, of
 * each its local APIC and MTRRs. Without a buffer: how long it has to be. 0; -EINVAL no HVM domain;
 * -ENOSPC too short; -EOVERFLOW paused too often; -EFAULT.
 */
long domain_get_hvm_context(struct domain *d, struct xen_domctl_hvmcontext *op);
/*
 * One record's body, of a processor or of MTRRs. 0, and its length is in @op; -EINVAL no HVM
 * domain, or another type; -ENOENT no such vcpu; -ENODATA it is down; -ENOBUFS too short;
 * -EOVERFLOW; -EFAULT.
 */
long domain_get_hvm_record(struct domain *d, struct xen_domctl_hvmcontext_partial *op);
/*
 * Records of vcpus. A vcpu that gets a processor is up. All of it or, when something
 * is wrong with any of it, nothing. 0; -EINVAL no HVM domain; -EPERM as asm/hvm_records.h says it,
 * or no such vcpu; -EOVERFLOW; -EFAULT.
 */
long domain_set_hvm_context(struct domain *d, const struct xen_domctl_hvmcontext *op);

/*
 * getvcpucontext and setvcpucontext of @v, whose domain is paused. Read is what there is of it in
 * an HVM vcpu; set are general registers alone, of one that has begun: -EOPNOTSUPP.
 */
void hvm_get_vcpu_context(const struct vcpu *v, struct vcpu_guest_context *c);
int __must_check hvm_set_vcpu_context(struct vcpu *v, const struct vcpu_guest_context *c);
