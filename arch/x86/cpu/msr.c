/* SPDX-License-Identifier: MIT */
/*
 * Guarded MSR access: RDMSR and WRMSR whose #GP becomes an error (SEG-3).
 */
#include <asm/insn.h>
#include <asm/extable.h>
#include <isola/errno.h>

int rdmsr_safe(u32 msr, u64 *val)
{
	u32 lo = 0, hi = 0;
	int rc = -EFAULT;

	asm volatile ("1: rdmsr\n\t"
		      "xor %2, %2\n\t"
		      "2:\n\t"
		      _ASM_EXTABLE(1b, 2b)
		      : "+a"(lo), "+d"(hi), "+r"(rc) : "c"(msr) : "cc");
	*val = rc ? 0 : (lo | (u64)hi << 32);
	return rc;
}

int wrmsr_safe(u32 msr, u64 val)
{
	int rc = -EFAULT;

	asm volatile ("1: wrmsr\n\t"
		      "xor %0, %0\n\t"
		      "2:\n\t"
		      _ASM_EXTABLE(1b, 2b)
		      : "+r"(rc) : "c"(msr), "a"((u32)val), "d"((u32)(val >> 32)) : "memory", "cc");
	return rc;
}
