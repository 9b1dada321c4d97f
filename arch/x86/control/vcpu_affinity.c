/* SPDX-License-Identifier: MIT */
/*
 * The affinity of vcpus: <xen/domctl.h>, vcpuaffinity.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/string.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <asm/cpu_mask.h>
#include <asm/percpu.h>
#include <asm/vcpu_affinity.h>
#include <xen/domctl.h>

#define FLAGS (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

long vcpu_affinity_get(struct domain *d, const struct xen_domctl_vcpuaffinity *op)
{
	const struct vcpu *v = vcpu_by_id(d, op->vcpu);
	long rc = 0;
	cpu_mask all;

	if (!v || !(op->flags & FLAGS))
		return -EINVAL;
	memset(all, 0xff, sizeof(all));
	if (op->flags & XEN_VCPUAFFINITY_HARD)
		rc = cpu_mask_to_guest(&op->cpumap_hard, v->affinity);
	if (!rc && (op->flags & XEN_VCPUAFFINITY_SOFT))
		rc = cpu_mask_to_guest(&op->cpumap_soft, all);
	return rc;
}

long vcpu_affinity_set(struct domain *d, const struct xen_domctl_vcpuaffinity *op)
{
	struct vcpu *v = vcpu_by_id(d, op->vcpu);
	cpu_mask mask, effective = { 0 };
	long rc;

	if (!v || !(op->flags & FLAGS) || !op->cpumap_hard.bitmap.p)
		return -EINVAL;
	if (op->flags & XEN_VCPUAFFINITY_SOFT)
		return -EOPNOTSUPP;
	rc = cpu_mask_from_guest(&op->cpumap_hard, mask);
	if (rc)
		return rc;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (bitmap_test(mask, cpu))
			bitmap_set(effective, cpu);
	if (bitmap_empty(effective, nr_cpus))
		return -EINVAL;
	sched_set_affinity(v, mask);
	return cpu_mask_to_guest(&op->cpumap_hard, effective);
}
