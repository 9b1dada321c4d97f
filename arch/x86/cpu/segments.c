/* SPDX-License-Identifier: MIT */
/*
 * Segment registers across a context switch. A selector load reads the guest's descriptor tables
 * and may fault: guarded, because the guest may have changed the descriptor since it loaded the
 * selector. SDM vol. 3 §3.4.4 (64-bit mode), §5.8.8 (SWAPGS).
 */
#include <asm/extable.h>
#include <asm/insn.h>
#include <asm/ldtr.h>
#include <asm/precondition.h>
#include <asm/segments.h>
#include <asm/vcpu_private.h>

/* Each returns false, with null in the register, if the load faulted. */
#define DEFINE_LOAD(reg)							\
static __always_inline bool load_##reg(u16 sel)					\
{										\
	asm goto volatile ("1: mov %w0, %%" #reg "\n\t"				\
			   _ASM_EXTABLE(1b, %l[fault])				\
			   :: "r"(sel) : "memory" : fault);			\
	return true;								\
fault:										\
	asm volatile ("mov %w0, %%" #reg :: "r"(0) : "memory");			\
	return false;								\
}
DEFINE_LOAD(ds)
DEFINE_LOAD(es)
DEFINE_LOAD(fs)
DEFINE_LOAD(gs)
#undef DEFINE_LOAD

#define READ_SELECTOR(reg, to) asm volatile ("mov %%" #reg ", %0" : "=r"(to))

void segments_save(void)
{
	u64 active = rdmsr(MSR_GS_BASE), other = rdmsr(MSR_KERNEL_GS_BASE);

	ASSERT_IRQS_OFF();
	READ_SELECTOR(ds, this_vcpu.ds);
	READ_SELECTOR(es, this_vcpu.es);
	READ_SELECTOR(fs, this_vcpu.fs);
	READ_SELECTOR(gs, this_vcpu.gs);
	this_vcpu.fs_base = rdmsr(MSR_FS_BASE);
	this_vcpu.gs_base_kernel = this_vcpu.kernel_mode ? active : other;
	this_vcpu.gs_base_user = this_vcpu.kernel_mode ? other : active;
}

void segments_restore(void)
{
	u8 bad = 0;

	ASSERT_IRQS_OFF();
	ldtr_load(this_vcpu.ldt_ents);
	bad |= load_ds(this_vcpu.ds) ? 0 : BAD_DS;
	bad |= load_es(this_vcpu.es) ? 0 : BAD_ES;
	bad |= load_fs(this_vcpu.fs) ? 0 : BAD_FS;
	bad |= load_gs(this_vcpu.gs) ? 0 : BAD_GS;
	this_vcpu.bad_selectors = bad;
	/* After the selectors, whose loads change the bases. */
	wrmsr(MSR_FS_BASE, this_vcpu.fs_base);
	wrmsr(MSR_GS_BASE,
	      this_vcpu.kernel_mode ? this_vcpu.gs_base_kernel : this_vcpu.gs_base_user);
	wrmsr(MSR_KERNEL_GS_BASE,
	      this_vcpu.kernel_mode ? this_vcpu.gs_base_user : this_vcpu.gs_base_kernel);
}
