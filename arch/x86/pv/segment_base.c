/* SPDX-License-Identifier: MIT */
/*
 * Segment bases a guest kernel sets by hypercall. A hypercall comes from kernel mode, so hardware's
 * GS base is the guest kernel's and KERNEL_GS_BASE its user's. Bases are checked canonical before
 * WRMSR, which would fault (SEG-2).
 */
#include <asm/extable.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <isola/errno.h>
#include <xen/xen.h>

/*
 * Load selector @sel into GS while the user's base is the live one. A selector the descriptor
 * tables refuse becomes null: the guest cannot always know (another thread may have changed its
 * LDT).
 */
static void load_user_gs(u16 sel)
{
	u64 flags = irq_save();
	u32 s = sel;

	asm volatile ("swapgs\n\t"
		      "1: mov %0, %%gs\n\t"
		      "jmp 3f\n\t"
		      "2: xor %0, %0\n\t"
		      "mov %0, %%gs\n\t"
		      "3: mfence\n\t"
		      "swapgs\n\t"
		      _ASM_EXTABLE(1b, 2b)
		      : "+r"(s) :: "memory", "cc");
	/*
	 * A null selector leaves the base alone on some CPUs and clears it on others: cleared,
	 * everywhere.
	 */
	if (!(s & ~3u))
		wrmsr(MSR_KERNEL_GS_BASE, 0);
	irq_restore(flags);
}

static int set_base(u32 msr, u64 base)
{
	if (!is_canonical(base))
		return -EINVAL;
	wrmsr(msr, base);
	return 0;
}

/*
 * HYPERVISOR_set_segment_base(which, base or selector): 0, or -EINVAL (not canonical; no such
 * segment).
 */
long hc_set_segment_base(u64 which, u64 base)
{
	switch (which) {
	case SEGBASE_FS:
		return set_base(MSR_FS_BASE, base);
	case SEGBASE_GS_USER:
		return set_base(MSR_KERNEL_GS_BASE, base);
	case SEGBASE_GS_KERNEL:
		return set_base(MSR_GS_BASE, base);
	case SEGBASE_GS_USER_SEL:
		load_user_gs(base);
		return 0;
	default:
		return -EINVAL;
	}
}
