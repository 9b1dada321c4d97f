/* SPDX-License-Identifier: MIT */
/*
 * Masks of CPUs in and out.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/cpu_mask.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>

#define MASK_BYTES DIV_ROUND_UP(CONFIG_NR_CPUS, 8)

long cpu_mask_to_guest(const struct xenctl_bitmap *to, const unsigned long *mask)
{
	u8 bytes[MASK_BYTES + 1] = { 0 };

	memcpy(bytes, mask, MASK_BYTES);
	return copy_to_guest((u64)to->bitmap.p, bytes,
			     min_t(u32, DIV_ROUND_UP(to->nr_bits, 8), sizeof(bytes)));
}

long cpu_mask_from_guest(const struct xenctl_bitmap *from, unsigned long *mask)
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
