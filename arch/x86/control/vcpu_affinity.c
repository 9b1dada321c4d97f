/* SPDX-License-Identifier: MIT */
/*
 * Affinity masks in and out: <xen/domctl.h>, xenctl_bitmap: bytes, the lowest CPU first. Behind
 * what we have, whoever asks for more bits gets one byte of zeros, as from Xen.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/vcpu_affinity.h>
#include <xen/domctl.h>

#define MASK_BYTES DIV_ROUND_UP(CONFIG_NR_CPUS, 8)
#define FLAGS (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

typedef unsigned long cpu_mask[BITMAP_LONGS(CONFIG_NR_CPUS)];

static struct vcpu *vcpu_of(struct domain *d, u32 id)
{
	return id < d->nr_vcpus ? d->vcpu[index_nospec(id, d->nr_vcpus)] : NULL;
}

static long give_mask(const struct xenctl_bitmap *to, const unsigned long *mask)
{
	u8 bytes[MASK_BYTES + 1] = { 0 };

	memcpy(bytes, mask, MASK_BYTES);
	return copy_to_guest((u64)to->bitmap.p, bytes,
			     min_t(u32, DIV_ROUND_UP(to->nr_bits, 8), sizeof(bytes)));
}

/* Bits that there are; CPUs beyond those named are not meant. */
static long take_mask(const struct xenctl_bitmap *from, unsigned long *mask)
{
	u32 bits = min_t(u32, from->nr_bits, CONFIG_NR_CPUS);
	u8 bytes[MASK_BYTES] = { 0 };

	if (copy_from_guest(bytes, (u64)from->bitmap.p, DIV_ROUND_UP(bits, 8)))
		return -EFAULT;
	memset(mask, 0, sizeof(cpu_mask));
	for (u32 cpu = 0; cpu < bits; cpu++)
		if (bytes[cpu / 8] >> cpu % 8 & 1)
			bitmap_set(mask, cpu);
	return 0;
}

long vcpu_affinity_get(struct domain *d, const struct xen_domctl_vcpuaffinity *op)
{
	const struct vcpu *v = vcpu_of(d, op->vcpu);
	long rc = 0;
	cpu_mask all;

	if (!v || !(op->flags & FLAGS))
		return -EINVAL;
	memset(all, 0xff, sizeof(all));
	if (op->flags & XEN_VCPUAFFINITY_HARD)
		rc = give_mask(&op->cpumap_hard, v->affinity);
	if (!rc && (op->flags & XEN_VCPUAFFINITY_SOFT))
		rc = give_mask(&op->cpumap_soft, all);
	return rc;
}

long vcpu_affinity_set(struct domain *d, const struct xen_domctl_vcpuaffinity *op)
{
	struct vcpu *v = vcpu_of(d, op->vcpu);
	cpu_mask mask, effective = { 0 };
	long rc;

	if (!v || !(op->flags & FLAGS) || !op->cpumap_hard.bitmap.p)
		return -EINVAL;
	if (op->flags & XEN_VCPUAFFINITY_SOFT)
		return -EOPNOTSUPP;
	rc = take_mask(&op->cpumap_hard, mask);
	if (rc)
		return rc;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (bitmap_test(mask, cpu))
			bitmap_set(effective, cpu);
	if (bitmap_empty(effective, nr_cpus))
		return -EINVAL;
	sched_set_affinity(v, mask);
	return give_mask(&op->cpumap_hard, effective);
}
