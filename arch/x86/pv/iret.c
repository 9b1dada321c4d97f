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
#include <asm/vm_assist.h>
#include <xen/xen.h>

/*
 * The words at @va that every return needs, into registers. False: one is not there, or stale.
 */
static __always_inline bool load_frame(struct iret_context *f, u64 va)
{
	u32 fault = 0;

	if (unlikely(!guest_words_ok(va, sizeof(*f) / 8)))
		return false;
	asm volatile (GUEST_LOADS_BEGIN GUEST_LOAD(1, 0x00, rax) GUEST_LOAD(2, 0x18, flags)
		      GUEST_LOAD(3, 0x20, rip) GUEST_LOAD(4, 0x28, cs) GUEST_LOAD(5, 0x30, rflags)
		      GUEST_LOAD(6, 0x38, rsp) GUEST_LOADS_END
		      : [rax] "=&r"(f->rax), [flags] "=&r"(f->flags), [rip] "=&r"(f->rip),
			[cs] "=&r"(f->cs), [rflags] "=&r"(f->rflags), [rsp] "=&r"(f->rsp),
			[fault] "+r"(fault)
		      : [va] "r"(va)
		      : "memory");
	return !fault;
}

/* The three that only IRET brings. Behind load_frame(). */
static __always_inline bool load_rest(struct iret_context *f, u64 va)
{
	u32 fault = 0;

	asm volatile (GUEST_LOADS_BEGIN GUEST_LOAD(1, 0x08, r11) GUEST_LOAD(2, 0x10, rcx)
		      GUEST_LOAD(3, 0x40, ss) GUEST_LOADS_END
		      : [r11] "=&r"(f->r11), [rcx] "=&r"(f->rcx), [ss] "=&r"(f->ss),
			[fault] "+r"(fault)
		      : [va] "r"(va)
		      : "memory");
	return !fault;
}

/* To user mode. False: there is none. */
static __always_inline bool leave_kernel(u64 rflags)
{
	if (unlikely(!mfn_is_valid_num(this_vcpu.user_l4))) {
		domain_crash(current->domain, "iret to user mode without a user page table");
		return false;
	}
	/*
	 * The exit to user mode looks at events only when told to: an upcall that this return
	 * unmasks is one.
	 */
	if (rflags & EFLAGS_IF && READ_ONCE(this_vcpu.vcpu_info->evtchn_upcall_pending))
		WRITE_ONCE(current->event_check, 1);
	root_enter_user();
	return true;
}

static __always_inline long leave(const struct iret_context *f, bool by_sysret)
{
	struct regs *r;

	/* This may be the last thing done on the kernel root, so the guest's mask first. */
	WRITE_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask, !(f->rflags & EFLAGS_IF));
	this_vcpu.nmi_masked = false;
	if (unlikely(pv_iopl_is_architectural()))
		this_vcpu.iopl = (f->rflags & EFLAGS_IOPL) >> 12;
	if (READ_ONCE(current->nmi_pending))	/* one that was held back */
		WRITE_ONCE(current->event_check, 1);
	if ((f->cs & 3) == 3 && !leave_kernel(f->rflags))
		return 0;
	r = guest_regs_pointer();
	r->rip = f->rip;
	r->rflags = (f->rflags &
		     ~(u64)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_NT | EFLAGS_VIF | EFLAGS_VIP)) |
		    EFLAGS_IF | EFLAGS_MBS;
	r->rsp = f->rsp;
	if (by_sysret) {
		r->cs = SEL_USER_CS64;
		r->ss = SEL_USER_DS;
		return f->rax;
	}
	r->vector = 0;
	r->cs = (f->cs | 3) & 0xffff;
	r->ss = (f->ss | 3) & 0xffff;
	r->r11 = f->r11;
	r->rcx = f->rcx;
	return f->rax;
}

/* The frame is not there, or it is by the second look (uaccess.c). */
static __noinline long leave_by_copy(u64 va)
{
	struct iret_context f;

	if (raw_copy_from_guest(&f, va, sizeof(f))) {
		domain_crash(current->domain, "iret: no frame at %016lx", va);
		return 0;
	}
	return f.flags & VGCF_in_syscall ? leave(&f, true) : leave(&f, false);
}

/* Leaves interrupts off: the guest is next. */
long hc_iret(void)
{
	u64 va = guest_regs()->rsp;
	struct iret_context f;

	irq_disable();
	if (unlikely(!load_frame(&f, va)))
		return leave_by_copy(va);
	if (f.flags & VGCF_in_syscall)
		return leave(&f, true);
	return likely(load_rest(&f, va)) ? leave(&f, false) : leave_by_copy(va);
}
