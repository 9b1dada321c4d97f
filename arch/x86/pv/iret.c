/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_iret: the guest kernel's way back to whatever it interrupted. No arguments; the frame
 * stands on its stack (struct iret_context in <xen/arch-x86/xen-x86_64.h>).
 */
#include <isola/domain.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <xen/xen.h>

long hc_iret(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	struct regs *r = guest_regs();
	struct iret_context frame;
	u64 flags;

	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
	if (copy_from_guest(&frame, r->rsp, sizeof(frame))) {
		domain_crash(current->domain, "iret: no frame at %016lx", r->rsp);
		return 0;
	}
	flags = irq_save();
	/* This may be the last thing done on the kernel root, so the guest's mask first. */
	WRITE_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask, !(frame.rflags & EFLAGS_IF));
	this_vcpu.nmi_masked = 0;
	if ((frame.cs & 3) == 3) {
		if (!mfn_is_valid_num(this_vcpu.user_l4)) {
			irq_restore(flags);
			domain_crash(current->domain,
				     "iret to user mode without a user page table");
			return 0;
		}
		/*
		 * The exit to user mode looks at events only when told to: an upcall that this
		 * return unmasks is one.
		 */
		if ((frame.rflags & EFLAGS_IF) &&
		    READ_ONCE(this_vcpu.vcpu_info->evtchn_upcall_pending))
			WRITE_ONCE(current->event_check, 1);
		root_enter_user();
	}
	r->rip = frame.rip;
	r->cs = (frame.cs | 3) & 0xffff;
	r->rflags = (frame.rflags &
		     ~(u64)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_NT | EFLAGS_VIF | EFLAGS_VIP)) |
		    EFLAGS_IF | EFLAGS_MBS;
	r->rsp = frame.rsp;
	r->ss = (frame.ss | 3) & 0xffff;
	if (frame.flags & VGCF_in_syscall) {
		r->vector = VECTOR_SYSCALL;
		r->cs = SEL_USER_CS64;
		r->ss = SEL_USER_DS;
	} else {
		r->vector = 0;
		r->r11 = frame.r11;
		r->rcx = frame.rcx;
	}
	irq_restore(flags);
	return frame.rax;
}
