/* SPDX-License-Identifier: MIT */
/*
 * Bounce frames: exceptions, events, NMIs, the failsafe and system calls, all by one function.
 *
 * Everything a handler's address can do to us is settled when the guest registers it (canonical,
 * SEG-2); everything its stack can do is settled here (range-checked, guarded: ENT-6).
 */
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/printk.h>
#include <asm/bounce.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/vectors.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <asm/root.h>
#include <asm/shadow.h>
#include <asm/trap.h>
#include <asm/uaccess.h>
#include <asm/vm_assist.h>

#define FRAME_WORDS	7		/* rcx r11 rip cs rflags rsp ss; with an error code eight */
#define FRAME_MAX_WORDS	11		/* failsafe: the largest (ENT-6) */

static bool has_error_code(unsigned vector)
{
	return vector < 32 && (0x60227d00u >> vector & 1);	/* 8 10-14 17 21 29 30 */
}

/*
 * Which words of guest_regs() are filled (entry/frame.h), and so what the way out will look at: of
 * a short frame rip, rflags and rsp, and what lies between rax and rdi.
 */
enum frame_kind { WHOLE, SHORT_OF_GATE, SHORT_OF_SYSCALL };

/* What a frame holds besides the registers as they are; and where it goes. */
struct frame {
	u64 sp;                         /* of its first word */
	u32 cs, mask;                   /* one word: the saved upcall mask is the upper half */
	u64 rflags;
};

/* The words that a SYSCALL's short frame lacks: what COMPLETE_SYSCALL stores. */
static void complete_syscall(struct regs *r)
{
	r->rcx = r->rip;
	r->r11 = r->rflags;
	r->cs = SEL_USER_CS64;
	r->ss = SEL_USER_DS;
}

/*
 * The common frames, with an error code or without, word by word. False: it faulted, or is out of
 * range; copy_frame() then does the same, and decides.
 */
static __always_inline bool put_frame(const struct frame *f, const struct regs *r,
				      enum frame_kind kind, const u64 *error_code)
{
	const bool of_syscall = kind == SHORT_OF_SYSCALL;
	const u64 rip = r->rip;
	u64 sp = f->sp, upper = error_code ? sp + 3 * 8 : sp + 2 * 8;

	if (unlikely(!guest_words_ok(sp, FRAME_WORDS + 1)))
		return false;
	guest_access_begin();
	guest_put_word(of_syscall ? rip : r->rcx, sp, 0, fault);
	guest_put_word(of_syscall ? r->rflags : r->r11, sp, 1, fault);
	if (error_code)
		guest_put_word(*error_code, sp, 2, fault);
	guest_put_word(rip, upper, 0, fault);
	guest_put_half(f->cs, upper, 8, fault);
	guest_put_half(f->mask, upper, 12, fault);
	guest_put_word(f->rflags, upper, 2, fault);
	guest_put_word(r->rsp, upper, 3, fault);
	guest_put_word(of_syscall ? SEL_USER_DS : r->ss, upper, 4, fault);
	guest_access_end();
	return true;
fault:
	guest_access_end();
	return false;
}

/*
 * The frame is written: the registers of the handler, whose flags are the guest's, @rflags, but for
 * these and @clear.
 */
static __always_inline void set_regs(struct regs *r, enum frame_kind kind, u64 sp, u64 address,
				     u64 rflags, u32 clear)
{
	clear |= EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_TF | EFLAGS_IOPL;
	r->rip = address;
	r->rsp = sp;
	r->rflags = (rflags & ~(u64)clear) | EFLAGS_IF;
	if (kind == WHOLE) {
		r->cs = SEL_USER_CS64;
		r->ss = SEL_USER_DS;
		/* rcx and r11 are in the frame: the way out may be SYSRET. */
		r->vector = VECTOR_SYSCALL;
	}
}

/*
 * Any frame, by a general copy: put_frame() met a fault, which is tried again here (uaccess.c).
 * guest_regs() have cs, ss, rcx and r11. Where there is no stack there is no way into the guest: it
 * ends, and what it was doing is not gone on with.
 */
static void copy_frame(const struct frame *f, const u64 *extra, unsigned nr_extra)
{
	u64 frame[FRAME_MAX_WORDS], *w = frame;
	const struct regs *r = guest_regs();

	*w++ = r->rcx;
	*w++ = r->r11;
	for (unsigned i = 0; i < nr_extra; i++)
		*w++ = extra[i];
	*w++ = r->rip;
	*w++ = f->cs | (u64)f->mask << 32;
	*w++ = f->rflags;
	*w++ = r->rsp;
	*w++ = r->ss;
	if (copy_to_guest(f->sp, frame, (w - frame) * 8)) {
		domain_crash(current->domain,
			     "no stack at %016lx to enter its handler (rip %016lx)", f->sp, r->rip);
		return_to_guest();
	}
}

/*
 * A common frame after all. Everything in registers, and @sp back in one: the ways that do not come
 * here keep nothing on the stack.
 */
static __noinline u64 copy_common(u64 sp, u32 cs, u32 mask, u64 rflags, u64 extra,
				  unsigned nr_extra)
{
	copy_frame(&(struct frame){ sp, cs, mask, rflags }, &extra, nr_extra);
	return sp;
}

/*
 * Enter the guest's kernel at *@address, from its @user mode or kernel mode: kernel root, frame,
 * registers. Interrupts off. @extra: @nr_extra words between r11 and rip. @page_fault: the one word
 * is a page fault's error code without its U bit, this_vcpu.cr2 the address. @clear: flags that the
 * handler is not to see.
 */
static __always_inline void enter_from(bool user, enum frame_kind kind, const u64 *address,
				       const bool *mask_events, u64 *extra, unsigned nr_extra,
				       bool page_fault, u32 clear)
{
	struct vcpu_info *info;
	struct regs *r;
	struct frame f;
	u64 rflags;

	if (!user) {
		r = guest_regs_pointer();
		f.cs = (kind == SHORT_OF_SYSCALL ? SEL_USER_CS64 : r->cs) & ~3u;
		f.sp = r->rsp;
	} else {
		root_enter_kernel();
		r = guest_regs_pointer();
		f.cs = kind == SHORT_OF_SYSCALL ? SEL_USER_CS64 : r->cs;
		f.sp = this_vcpu.kernel_sp;
		if (page_fault && kind == SHORT_OF_GATE)
			*extra = r->error_code;		/* U and all; nothing outlives the call */
		else if (page_fault)
			*extra |= PFEC_U;
	}
	info = this_vcpu.vcpu_info;
	if (page_fault)
		info->arch.cr2 = this_vcpu.cr2;
	f.mask = READ_ONCE(info->evtchn_upcall_mask);
	rflags = r->rflags;
	f.rflags = rflags & ~(u64)(EFLAGS_IF | EFLAGS_IOPL);
	if (!f.mask)
		f.rflags |= EFLAGS_IF;
	if (pv_iopl_is_architectural())
		f.rflags |= (u64)this_vcpu.iopl << 12;
	f.sp = (f.sp & ~15ul) - (FRAME_WORDS + nr_extra) * 8;
	if (nr_extra > 1) {
		copy_frame(&f, extra, nr_extra);
	} else if (unlikely(!put_frame(&f, r, kind, nr_extra ? extra : NULL))) {
		if (kind == SHORT_OF_SYSCALL)
			complete_syscall(r);
		f.sp = copy_common(f.sp, f.cs, f.mask, f.rflags,
				   nr_extra ? *extra : 0, nr_extra);
		r = guest_regs_pointer();
		rflags = r->rflags;
		info = this_vcpu.vcpu_info;
	}
	if (*mask_events)
		WRITE_ONCE(info->evtchn_upcall_mask, 1);
	set_regs(r, kind, f.sp, *address, rflags, clear);
}

/* From whichever mode it is in. */
static __always_inline void enter(enum frame_kind kind, const u64 *address, const bool *mask_events,
				  u64 *extra, unsigned nr_extra, bool page_fault)
{
	enter_from(!this_vcpu.kernel_mode, kind, address, mask_events, extra, nr_extra, page_fault,
		   0);
}

static void enter_plain(const struct pv_callback *cb)
{
	enter(WHOLE, &cb->address, &cb->mask_events, NULL, 0, false);
}

static void __noreturn no_handler(unsigned vector, u64 error_code)
{
	const struct regs *r = guest_regs();

	domain_crash(
		current->domain,
		"unhandled exception %u (error code %lx) at rip %016lx, rsp %016lx, cr2 %016lx",
		vector, error_code, r->rip, r->rsp, this_vcpu.cr2);
	return_to_guest();
}

void pv_bounce_trap(unsigned vector, const u64 *error_code)
{
	const struct pv_trap *t = &this_vcpu_traps[vector];
	u64 ec, flags = irq_save();

	if (unlikely(!t->address))
		no_handler(vector, error_code ? *error_code : 0);
	if (error_code) {
		ec = *error_code;
		enter(WHOLE, &t->address, &t->mask_events, &ec, 1, false);
	} else {
		enter(WHOLE, &t->address, &t->mask_events, NULL, 0, false);
	}
	irq_restore(flags);
}

void pv_inject_exception(unsigned vector, u32 error_code)
{
	u64 ec = error_code;

	if (unlikely(vector == VECTOR_INT80)) {
		/*
		 * The open gate: was the guest to take it? If not, what a closed gate would have
		 * done.
		 */
		if (may_int(&this_vcpu_traps[vector])) {
			pv_bounce_trap(vector, NULL);
			return;
		}
		guest_regs()->rip -= 2;
		ec = vector << 3 | 2;
		vector = TRAP_GP;
	}
	pv_bounce_trap(vector, has_error_code(vector) ? &ec : NULL);
}

void pv_inject_gp(u32 error_code)
{
	const struct pv_trap *t = &this_vcpu_traps[TRAP_GP];
	u64 ec = error_code, flags = irq_save();

	if (unlikely(!t->address))
		no_handler(TRAP_GP, ec);
	enter(WHOLE, &t->address, &t->mask_events, &ec, 1, false);
	irq_restore(flags);
}

static __always_inline void bounce_page_fault(enum frame_kind kind, u32 error_code, u64 cr2)
{
	const struct pv_trap *t = &this_vcpu_traps[TRAP_PF];
	/* Both modes of a PV guest are ring 3: hardware says "user" for its kernel too. */
	u64 ec = error_code & ~PFEC_U;

	this_vcpu.cr2 = cr2;
	if (unlikely(!t->address))
		no_handler(TRAP_PF, ec);
	enter(kind, &t->address, &t->mask_events, &ec, 1, true);
}

void pv_inject_page_fault(u32 error_code, u64 cr2)
{
	u64 flags = irq_save();

	bounce_page_fault(WHOLE, error_code, cr2);
	irq_restore(flags);
}

/*
 * Not here: what traps.c looks at before a fault is the guest's, all under a shadow, and any
 * address that is none of the guest's.
 */
bool pv_page_fault_is_guests(struct regs *r)
{
	u64 cr2 = read_cr2();
	u32 ec = r->error_code;

	if (unlikely(is_hv_address(cr2) || is_fault_ours(ec)))
		return false;
	if ((ec & (PFEC_P | PFEC_W | PFEC_I)) == (PFEC_P | PFEC_W) && this_vcpu.kernel_mode)
		return false;
	bounce_page_fault(SHORT_OF_GATE, ec, cr2);
	return true;
}

bool pv_int80_is_guests(struct regs *r __maybe_unused)
{
	const struct pv_trap *t = &this_vcpu_traps[VECTOR_INT80];

	if (unlikely(!may_int(t)))
		return false;
	enter(SHORT_OF_GATE, &t->address, &t->mask_events, NULL, 0, false);
	return true;
}

static __always_inline void enter_event(enum frame_kind kind)
{
	static const bool masked = true;        /* an event's handler starts with events masked */

	ASSERT_IRQS_OFF();
	ASSERT_KERNEL_ROOT();
	if (unlikely(!this_vcpu.event.address)) {
		domain_crash(current->domain,
			     "an event is due and no event callback is registered");
		return_to_guest();
	}
	/* In user mode the frame is whole, and only this root is the kernel's. */
	enter_from(kind == WHOLE && !this_vcpu.kernel_mode, kind, &this_vcpu.event.address, &masked,
		   NULL, 0, false, 0);
}

void bounce_event(void)
{
	enter_event(WHOLE);
}

void bounce_event_after_hypercall(void)
{
	enter_event(SHORT_OF_SYSCALL);
}

void bounce_event_after_iret(void)
{
	enter_event(SHORT_OF_GATE);
}

void bounce_nmi(void)
{
	const struct pv_trap *t = &this_vcpu_traps[TRAP_NMI];

	ASSERT_IRQS_OFF();
	ASSERT_KERNEL_ROOT();
	WRITE_ONCE(current->nmi_pending, false);
	if (!t->address)
		return;
	this_vcpu.nmi_masked = true;
	enter_plain(&(struct pv_callback){ t->address, t->mask_events });
}

void bounce_failsafe(void)
{
	u64 selectors[4] = { this_vcpu.ds, this_vcpu.es, this_vcpu.fs, this_vcpu.gs };

	ASSERT_IRQS_OFF();
	ASSERT_KERNEL_ROOT();
	this_vcpu.bad_selectors = 0;
	if (!this_vcpu.failsafe.address) {
		domain_crash(current->domain, "a segment selector no longer loads and no failsafe "
			     "callback is registered");
		return;
	}
	enter(WHOLE, &this_vcpu.failsafe.address, &this_vcpu.failsafe.mask_events, selectors, 4,
	      false);
}

/* SYSCALL in guest user mode: the guest's own entry, or #UD if it has none. */
void syscall_from_user(struct regs *r)
{
	if (likely(this_vcpu.syscall.address)) {
		enter_from(true, SHORT_OF_SYSCALL, &this_vcpu.syscall.address,
			   &this_vcpu.syscall.mask_events, NULL, 0, false, EFLAGS_DF);
		return;
	}
	complete_syscall(r);
	r->rip -= 2;
	pv_inject_exception(TRAP_UD, 0);
}

/* From either mode, a whole frame. */
void syscall32_from_guest(struct regs *r)
{
	if (this_vcpu.syscall32.address) {
		enter_plain(&this_vcpu.syscall32);
		return;
	}
	r->rip -= 2;
	pv_inject_exception(TRAP_UD, 0);
}

void sysenter_from_guest(struct regs *r __maybe_unused)
{
	if (this_vcpu.sysenter.address)
		enter_plain(&this_vcpu.sysenter);
	else
		pv_inject_exception(TRAP_GP, 0);
}
