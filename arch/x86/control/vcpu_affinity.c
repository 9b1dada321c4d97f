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

	if (!v || !(op->flags & FLAGS))
		return -EINVAL;
	if (op->flags & XEN_VCPUAFFINITY_HARD)
		rc = cpu_mask_to_guest(&op->cpumap_hard, v->affinity);
	if (!rc && (op->flags & XEN_VCPUAFFINITY_SOFT))
		rc = cpu_mask_to_guest(&op->cpumap_soft, v->soft_affinity);
	return rc;
}

/* Of @mask the CPUs that there are, and that @within has, too. */
static void effective(unsigned long *to, const unsigned long *mask, const unsigned long *within)
{
	memset(to, 0, sizeof(cpu_mask));
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (bitmap_test(mask, cpu) && bitmap_test(within, cpu))
			bitmap_set(to, cpu);
}

/* A mask is given, and could be read, if @flag is set. */
static long get_mask(const struct xen_domctl_vcpuaffinity *op, u32 flag,
		     const struct xenctl_bitmap *from, unsigned long *mask)
{
	if (!(op->flags & flag))
		return 0;
	return from->bitmap.p ? cpu_mask_from_guest(from, mask) : -EINVAL;
}

/* What has come of @mask, which was set. */
static long tell(const struct xenctl_bitmap *to, const unsigned long *mask,
		 const unsigned long *within)
{
	cpu_mask shown;

	effective(shown, mask, within);
	return cpu_mask_to_guest(to, shown);
}

long vcpu_affinity_set(struct domain *d, const struct xen_domctl_vcpuaffinity *op)
{
	struct vcpu *v = vcpu_by_id(d, op->vcpu);
	cpu_mask hard, soft, shown;
	long rc;

	if (!v || !(op->flags & FLAGS))
		return -EINVAL;
	rc = get_mask(op, XEN_VCPUAFFINITY_HARD, &op->cpumap_hard, hard);
	rc = rc ? rc : get_mask(op, XEN_VCPUAFFINITY_SOFT, &op->cpumap_soft, soft);
	if (rc)
		return rc;
	if (op->flags & XEN_VCPUAFFINITY_HARD) {
		effective(shown, hard, hard);
		if (bitmap_empty(shown, nr_cpus))
			return -EINVAL;
		sched_set_affinity(v, hard);
		rc = tell(&op->cpumap_hard, hard, hard);
	}
	if (op->flags & XEN_VCPUAFFINITY_SOFT) {
		sched_set_soft_affinity(v, soft);
		rc = rc ? rc : tell(&op->cpumap_soft, soft, v->affinity);
	}
	return rc;
}
