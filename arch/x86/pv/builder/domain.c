/* SPDX-License-Identifier: MIT */
/*
 * What a PV vcpu is before its first instruction.
 */
#include <isola/sched.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/insn.h>
#include <asm/pv_domain.h>
#include <asm/switch.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>

#define DR6_INIT 0xffff0ff0ul
#define DR7_INIT 0x400ul

void pv_init(void)
{
	sched_context_switch = context_switch;
	switch_load_cpu_state = pv_cpu_state_load;
}

void pv_vcpu_init_private(struct vcpu *v)
{
	struct vcpu_private *p = window_ptr(v->private_mfn[0]);

	/* The pages were zeroed by the allocator: only what is not zero is said here. */
	p->kernel_mode = 1;
	p->kernel_l4 = p->user_l4 = INVALID_MFN;
	for (unsigned i = 0; i < NR_PARKED; i++)
		p->old_guest_table[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		p->gdt_frame[i] = INVALID_MFN;
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		p->ldt_frame[i] = INVALID_MFN;
	p->debugreg[6] = DR6_INIT;
	p->debugreg[7] = DR7_INIT;
	p->regs.cs = SEL_USER_CS64;
	p->regs.ss = SEL_USER_DS;
	p->regs.rflags = EFLAGS_IF | EFLAGS_MBS;
	fpu_init_image(window_ptr(v->private_mfn[2]));
}
