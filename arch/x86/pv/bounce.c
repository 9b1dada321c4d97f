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
#include <asm/trap.h>
#include <asm/uaccess.h>
#include <asm/vm_assist.h>

#define FRAME_WORDS	7		/* rcx r11 rip cs rflags rsp ss; with an error code eight */
#define FRAME_MAX_WORDS	11		/* failsafe: the largest (ENT-6) */

static bool has_error_code(unsigned vector)
{
	return vector < 32 && (0x60227d00u >> vector & 1);	/* 8 10-14 17 21 29 30 */
}

/* What a frame holds besides the registers as they are; and where it goes. */
struct frame {
	u64 sp;                         /* of its first word */
	u64 cs, rflags;
};

/*
 * The common frames, with an error code or without, word by word. False: it faulted, or is out of
 * range; write_frame() then does the same, and decides.
 */
static __always_inline bool put_frame(const struct frame *f, const struct regs *r,
				      const u64 *error_code)
{
	u64 sp = f->sp, upper = error_code ? sp + 3 * 8 : sp + 2 * 8;

	if (unlikely(!guest_words_ok(sp, FRAME_WORDS + 1)))
		return false;
	guest_access_begin();
	guest_put_word(r->rcx, sp, 0, fault);
	guest_put_word(r->r11, sp, 1, fault);
	if (error_code)
		guest_put_word(*error_code, sp, 2, fault);
	guest_put_word(r->rip, upper, 0, fault);
	guest_put_word(f->cs, upper, 1, fault);
	guest_put_word(f->rflags, upper, 2, fault);
	guest_put_word(r->rsp, upper, 3, fault);
	guest_put_word(r->ss, upper, 4, fault);
	guest_access_end();
	return true;
fault:
	guest_access_end();
	return false;
}

/* The frame is written: the registers of the handler. */
static __always_inline void set_regs(struct regs *r, u64 sp, u64 address)
{
	r->rip = address;
	r->cs = SEL_USER_CS64;
	r->ss = SEL_USER_DS;
	r->rsp = sp;
	r->rflags = (r->rflags & ~(u64)(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_TF |
					EFLAGS_IOPL)) | EFLAGS_IF;
	/* rcx and r11 are in the frame: the way out may be SYSRET. */
	r->vector = VECTOR_SYSCALL;
}

/*
 * The rest of enter(), with any frame, by a general copy: put_frame() met a fault, which is tried
 * again here (uaccess.c). Where there is no stack there is no way into the guest: it ends, and what
 * it was doing is not gone on with.
 */
static __noinline void enter_by_copy(const struct frame *f, const u64 *extra, unsigned nr_extra,
				     u64 address, bool mask_events)
{
	u64 frame[FRAME_MAX_WORDS], *w = frame;
	struct regs *r = guest_regs();

	*w++ = r->rcx;
	*w++ = r->r11;
	for (unsigned i = 0; i < nr_extra; i++)
		*w++ = extra[i];
	*w++ = r->rip;
	*w++ = f->cs;
	*w++ = f->rflags;
	*w++ = r->rsp;
	*w++ = r->ss;
	if (copy_to_guest(f->sp, frame, (w - frame) * 8)) {
		domain_crash(current->domain,
			     "no stack at %016lx to enter its handler at %016lx (rip %016lx)",
			     f->sp, address, r->rip);
		return_to_guest();
	}
	if (mask_events)
		WRITE_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask, 1);
	set_regs(r, f->sp, address);
}

/*
 * Enter the guest's kernel at *@address, from whichever mode it is in: kernel root, frame,
 * registers. Interrupts off. @extra: @nr_extra words between r11 and rip. @page_fault: the one word
 * is a page fault's error code without its U bit, this_vcpu.cr2 the address.
 */
static __always_inline void enter(const u64 *address, const bool *mask_events, u64 *extra,
				  unsigned nr_extra, bool page_fault)
{
	struct vcpu_info *info;
	struct regs *r;
	struct frame f;
	u8 mask;

	if (this_vcpu.kernel_mode) {
		r = guest_regs_pointer();
		f.cs = r->cs & ~3ul;
		f.sp = r->rsp;
	} else {
		root_enter_kernel();
		r = guest_regs_pointer();
		f.cs = r->cs;
		f.sp = this_vcpu.kernel_sp;
		if (page_fault)
			*extra |= PFEC_U;
	}
	info = this_vcpu.vcpu_info;
	if (page_fault)
		info->arch.cr2 = this_vcpu.cr2;
	mask = READ_ONCE(info->evtchn_upcall_mask);
	f.cs |= (u64)mask << 32;
	f.rflags = r->rflags & ~(u64)(EFLAGS_IF | EFLAGS_IOPL);
	if (!mask)
		f.rflags |= EFLAGS_IF;
	if (pv_iopl_is_architectural())
		f.rflags |= (u64)this_vcpu.iopl << 12;
	f.sp = (f.sp & ~15ul) - (FRAME_WORDS + nr_extra) * 8;
	if (nr_extra > 1 || unlikely(!put_frame(&f, r, nr_extra ? extra : NULL))) {
		const struct frame copy = f;
		const u64 word = nr_extra ? *extra : 0;

		enter_by_copy(&copy, nr_extra > 1 ? extra : &word, nr_extra, *address,
			      *mask_events);
		return;
	}
	if (*mask_events)
		WRITE_ONCE(info->evtchn_upcall_mask, 1);
	set_regs(r, f.sp, *address);
}

static void enter_plain(const struct pv_callback *cb)
{
	enter(&cb->address, &cb->mask_events, NULL, 0, false);
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
		enter(&t->address, &t->mask_events, &ec, 1, false);
	} else {
		enter(&t->address, &t->mask_events, NULL, 0, false);
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

static __always_inline void bounce_page_fault(u32 error_code, u64 cr2)
{
	const struct pv_trap *t = &this_vcpu_traps[TRAP_PF];
	/* Both modes of a PV guest are ring 3: hardware says "user" for its kernel too. */
	u64 ec = error_code & ~PFEC_U;

	this_vcpu.cr2 = cr2;
	if (unlikely(!t->address))
		no_handler(TRAP_PF, ec);
	enter(&t->address, &t->mask_events, &ec, 1, true);
}

void pv_inject_page_fault(u32 error_code, u64 cr2)
{
	u64 flags = irq_save();

	bounce_page_fault(error_code, cr2);
	irq_restore(flags);
}

/*
 * Not here: what traps.c looks at before a fault is the guest's, and any address that is none of
 * the guest's.
 */
bool pv_page_fault_is_guests(struct regs *r)
{
	u64 cr2 = read_cr2();
	u32 ec = r->error_code;

	if (unlikely(is_hv_address(cr2) || ec & PFEC_R))
		return false;
	if ((ec & (PFEC_P | PFEC_W | PFEC_I)) == (PFEC_P | PFEC_W) && this_vcpu.kernel_mode)
		return false;
	bounce_page_fault(ec, cr2);
	return true;
}

bool pv_int80_is_guests(struct regs *r __maybe_unused)
{
	const struct pv_trap *t = &this_vcpu_traps[VECTOR_INT80];

	if (unlikely(!may_int(t)))
		return false;
	enter(&t->address, &t->mask_events, NULL, 0, false);
	return true;
}

void bounce_event(void)
{
	static const bool masked = true;        /* an event's handler starts with events masked */
	struct regs *r = guest_regs_pointer();

	ASSERT_IRQS_OFF();
	ASSERT_KERNEL_ROOT();
	if (unlikely(!this_vcpu.event.address)) {
		domain_crash(current->domain,
			     "an event is due and no event callback is registered");
		return_to_guest();
	}
	if (r->vector == VECTOR_SYSCALL) {
		r->rcx = r->rip;
		r->r11 = r->rflags;
	}
	enter(&this_vcpu.event.address, &masked, NULL, 0, false);
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
	enter(&this_vcpu.failsafe.address, &this_vcpu.failsafe.mask_events, selectors, 4, false);
}

/* SYSCALL in guest user mode: the guest's own entry, or #UD if it has none. */
void syscall_from_user(struct regs *r)
{
	r->rcx = r->rip;
	r->r11 = r->rflags;
	if (likely(this_vcpu.syscall.address)) {
		enter(&this_vcpu.syscall.address, &this_vcpu.syscall.mask_events, NULL, 0, false);
		guest_regs()->rflags &= ~(u64)EFLAGS_DF;
		return;
	}
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
