/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_iret: the guest kernel's way back to whatever it interrupted. No arguments; the frame
 * stands on its stack (struct iret_context in <xen/arch-x86/xen-x86_64.h>).
 */
#include <isola/domain.h>
#include <asm/bounce.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <asm/vm_assist.h>
#include <xen/xen.h>

/*
 * The words at @va that every return needs, into registers. *@fault becomes 1 where one is not
 * there, or stale: then they are undefined, and so is what follows from them.
 */
static __always_inline void load_frame(struct iret_context *f, u64 va, u32 *fault)
{
	asm volatile (GUEST_LOADS_BEGIN GUEST_LOAD(1, 0x00, rax) GUEST_LOAD(2, 0x18, flags)
		      GUEST_LOAD(3, 0x20, rip) GUEST_LOAD(4, 0x28, cs) GUEST_LOAD(5, 0x30, rflags)
		      GUEST_LOAD(6, 0x38, rsp) GUEST_LOADS_END
		      : [rax] "=&r"(f->rax), [flags] "=&r"(f->flags), [rip] "=&r"(f->rip),
			[cs] "=&r"(f->cs), [rflags] "=&r"(f->rflags), [rsp] "=&r"(f->rsp),
			[fault] "+r"(*fault)
		      : [va] "r"(va)
		      : "memory");
}

/* The three that only IRET brings: ss, and r11 and rcx to where they belong. */
static __always_inline void load_rest(struct iret_context *f, struct regs *r, u64 va, u32 *fault)
{
	asm volatile (GUEST_LOADS_BEGIN GUEST_LOAD(1, 0x08, word) "mov %[word], %[r11]\n\t"
		      GUEST_LOAD(2, 0x10, word) "mov %[word], %[rcx]\n\t"
		      GUEST_LOAD(3, 0x40, word) GUEST_LOADS_END
		      : [word] "=&r"(f->ss), [r11] "=m"(r->r11), [rcx] "=m"(r->rcx),
			[fault] "+r"(*fault)
		      : [va] "r"(va)
		      : "memory");
}

/*
 * To user mode, the frame is filled; @rax goes through. The exit to user mode looks at events only
 * when told to: an upcall that this return unmasks is one.
 */
static __noinline long leave_kernel(u64 rflags, long rax)
{
	if (unlikely(!mfn_is_valid_num(this_vcpu.user_l4))) {
		domain_crash(current->domain, "iret to user mode without a user page table");
		return 0;
	}
	if (rflags & EFLAGS_IF && READ_ONCE(this_vcpu.vcpu_info->evtchn_upcall_pending))
		WRITE_ONCE(current->event_check, 1);
	root_enter_user();
	return rax;
}

/*
 * What the way out looks at (entry/syscall.S), no more of it than that way needs; for IRET r11 and
 * rcx are there.
 */
static __always_inline void fill_frame(const struct iret_context *f, bool by_sysret)
{
	struct regs *r = guest_regs_pointer();

	r->rip = f->rip;
	r->rflags = (f->rflags &
		     ~(u64)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_NT | EFLAGS_VIF | EFLAGS_VIP)) |
		    EFLAGS_IF | EFLAGS_MBS;
	r->rsp = f->rsp;
	if (by_sysret) {
		this_vcpu.iret = IRET_BY_SYSRET;
		return;
	}
	this_vcpu.iret = IRET_BY_IRET;
	r->cs = (f->cs | 3) & 0xffff;
	r->ss = (f->ss | 3) & 0xffff;
}

static __always_inline long leave(const struct iret_context *f, bool by_sysret)
{
	/* This may be the last thing done on the kernel root, so the guest's mask first. */
	WRITE_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask, !(f->rflags & EFLAGS_IF));
	this_vcpu.nmi_masked = false;
	if (unlikely(pv_iopl_is_architectural()))
		this_vcpu.iopl = (f->rflags & EFLAGS_IOPL) >> 12;
	if (READ_ONCE(current->nmi_pending))	/* one that was held back */
		WRITE_ONCE(current->event_check, 1);
	fill_frame(f, by_sysret);
	return (f->cs & 3) == 3 ? leave_kernel(f->rflags, f->rax) : (long)f->rax;
}

/* The frame is not there, or it is by the second look (uaccess.c). */
static __noinline long leave_by_copy(u64 va)
{
	struct regs *r = guest_regs();
	struct iret_context f;

	if (raw_copy_from_guest(&f, va, sizeof(f))) {
		domain_crash(current->domain, "iret: no frame at %016lx", va);
		return 0;
	}
	if (f.flags & VGCF_in_syscall)
		return leave(&f, true);
	r->r11 = f.r11;
	r->rcx = f.rcx;
	return leave(&f, false);
}

long pv_iret(void)
{
	struct regs *r = guest_regs_pointer();
	u64 va = r->rsp;
	struct iret_context f;
	u32 fault = 0;

	irq_disable();
	if (unlikely(!guest_words_ok(va, sizeof(f) / 8)))
		return leave_by_copy(va);
	load_frame(&f, va, &fault);
	if (f.flags & VGCF_in_syscall) {
		if (likely(!fault))
			return leave(&f, true);
	} else {
		load_rest(&f, r, va, &fault);
		if (likely(!fault))
			return leave(&f, false);
	}
	return leave_by_copy(va);
}
