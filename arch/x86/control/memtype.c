/* SPDX-License-Identifier: MIT */
/*
 * Variable-range MTRRs: SDM vol. 3 §12.11.2. They are never written; all CPUs have the same.
 */
#include <asm/memtype.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <isola/errno.h>

#define MSR_MTRR_CAP     0xfe
#define MTRR_CAP_NR      0xff           /* variable ranges */
#define MSR_MTRR_BASE(n) (0x200 + 2 * (n))
#define MSR_MTRR_MASK(n) (0x201 + 2 * (n))
#define MTRR_MASK_ON     (1ul << 11)
#define MTRR_BASE_TYPE   0xff

static u32 nr_ranges(void)
{
	u64 cap;

	return cpu_has(MTRR) && !rdmsr_safe(MSR_MTRR_CAP, &cap) ? cap & MTRR_CAP_NR : 0;
}

long memtype_read(struct xenpf_read_memtype *op)
{
	u64 base, mask, frames;

	if (op->reg >= nr_ranges() || rdmsr_safe(MSR_MTRR_BASE(op->reg), &base) ||
	    rdmsr_safe(MSR_MTRR_MASK(op->reg), &mask))
		return -EINVAL;
	if (!(mask & MTRR_MASK_ON))
		base = mask = 0;
	/* Of a range without holes the lowest bit of the mask is its size. */
	frames = mask >> PAGE_SHIFT;
	op->mfn = base >> PAGE_SHIFT;
	op->nr_mfns = frames & -frames;
	op->type = base & MTRR_BASE_TYPE;
	return 0;
}
