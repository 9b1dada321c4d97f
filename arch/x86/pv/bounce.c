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
#include <asm/irq.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/trap.h>
#include <asm/uaccess.h>

#define FRAME_WORDS	7		/* rcx r11 rip cs rflags rsp ss; with an error code eight */
#define FRAME_MAX_WORDS	11		/* failsafe: the largest (ENT-6) */

/* VMASST architectural_iopl: frames show the virtual IOPL. */
static bool pv_shows_iopl(void)
{
	return current->domain->vm_assist & 1ul << VMASST_TYPE_architectural_iopl;
}

static bool has_error_code(unsigned vector)
{
	return vector < 32 && (0x60227d00u >> vector & 1);	/* 8 10-14 17 21 29 30 */
}

/*
 * The common frames, with an error code or without, word by word to @sp. False: it faulted, or is
 * another frame; write_frame() does the same for all, and decides.
 */
static bool put_frame(u64 sp, const struct regs *r, const u64 *extra, unsigned nr_extra, u64 cs,
		      u64 rflags)
{
	u64 upper = sp + (2 + nr_extra) * 8;

	if (nr_extra > 1 || !guest_words_ok(sp, FRAME_WORDS + 1))
		return false;
	guest_access_begin();
	guest_put_word(r->rcx, sp, 0, fault);
	guest_put_word(r->r11, sp, 1, fault);
	if (nr_extra)
		guest_put_word(*extra, sp, 2, fault);
	guest_put_word(r->rip, upper, 0, fault);
	guest_put_word(cs, upper, 1, fault);
	guest_put_word(rflags, upper, 2, fault);
	guest_put_word(r->rsp, upper, 3, fault);
	guest_put_word(r->ss & 0xffff, upper, 4, fault);
	guest_access_end();
	return true;
fault:
	guest_access_end();
	return false;
}

static int write_frame(u64 sp, const struct regs *r, const u64 *extra, unsigned nr_extra, u64 cs,
		       u64 rflags)
{
	u64 frame[FRAME_MAX_WORDS], *f = frame;

	*f++ = r->rcx;
	*f++ = r->r11;
	for (unsigned i = 0; i < nr_extra; i++)
		*f++ = extra[i];
	*f++ = r->rip;
	*f++ = cs;
	*f++ = rflags;
	*f++ = r->rsp;
	*f++ = r->ss & 0xffff;
	return copy_to_guest(sp, frame, (f - frame) * 8);
}

bool bounce_to(const struct pv_callback *cb, const u64 *extra, unsigned nr_extra)
{
	struct regs *r = guest_regs();
	u64 sp = r->rsp, cs = r->cs & 0xffff, rflags;
	u64 flags = irq_save();
	bool ok = true;
	u8 mask;

	if (this_vcpu.kernel_mode) {
		cs &= ~3ul;
	} else {
		root_enter_kernel();
		sp = this_vcpu.kernel_sp;
	}
	mask = READ_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask);
	cs |= (u64)!!mask << 32;
	rflags = (r->rflags & ~(u64)(EFLAGS_IF | EFLAGS_IOPL)) | (mask ? 0 : EFLAGS_IF);
	if (pv_shows_iopl())
		rflags |= (u64)this_vcpu.iopl << 12;
	sp = (sp & ~15ul) - (FRAME_WORDS + nr_extra) * 8;
	if (unlikely(!put_frame(sp, r, extra, nr_extra, cs, rflags)) &&
	    write_frame(sp, r, extra, nr_extra, cs, rflags)) {
		domain_crash(current->domain,
			     "no stack at %016lx to enter its handler at %016lx (rip %016lx)", sp,
			     cb->address, r->rip);
		ok = false;
		goto out;
	}

	if (cb->mask_events)
		WRITE_ONCE(this_vcpu.vcpu_info->evtchn_upcall_mask, 1);
	r->rip = cb->address;
	r->cs = SEL_USER_CS64;
	r->ss = SEL_USER_DS;
	r->rsp = sp;
	r->rflags &= ~(u64)(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_TF |
			    EFLAGS_IOPL);
	r->rflags |= EFLAGS_IF;
	/* rcx and r11 are in the frame: the way out may be SYSRET. */
	r->vector = VECTOR_SYSCALL;
out:
	irq_restore(flags);
	return ok;
}

/*
 * Is the current guest code allowed to INT @vector through @t? The guest kernel counts as ring 1.
 */
static bool may_int(const struct pv_trap *t)
{
	return t->address && t->dpl >= (this_vcpu.kernel_mode ? 1 : 3);
}

bool emul_software_int(struct regs *r)
{
	unsigned vector = (r->error_code >> 3) & 0xff;
	u8 insn[2];

	/*
	 * The error code names the gate, except under emulators that get it wrong (QEMU before
	 * 8.0): the instruction itself is believed where it can be read.
	 */
	if (!raw_copy_from_guest(insn, r->rip, sizeof(insn)) && insn[0] == 0xcd)
		vector = insn[1];
	if (!may_int(&this_vcpu_traps[vector])) {
		r->error_code = vector << 3 | 2;
		return false;
	}
	r->rip += 2;
	pv_bounce_trap(vector, NULL);
	return true;
}

void pv_bounce_trap(unsigned vector, const u64 *error_code)
{
	const struct pv_trap *t = &this_vcpu_traps[vector];
	const struct pv_callback cb = { t->address, t->mask_events };
	const struct regs *r = guest_regs();

	if (!cb.address) {
		domain_crash(current->domain,
			     "unhandled exception %u (error code %lx) at rip %016lx, "
			     "rsp %016lx, cr2 %016lx",
			     vector, error_code ? *error_code : 0, r->rip, r->rsp, this_vcpu.cr2);
		return;
	}
	bounce_to(&cb, error_code, error_code ? 1 : 0);
}

void pv_inject_exception(unsigned vector, u32 error_code)
{
	u64 ec = error_code;

	if (vector == VECTOR_INT80) {
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

void pv_inject_page_fault(u32 error_code, u64 cr2)
{
	u64 flags = irq_save();

	/* Both modes of a PV guest are ring 3: hardware says "user" for its kernel too. */
	error_code &= ~PFEC_U;
	if (!this_vcpu.kernel_mode)
		error_code |= PFEC_U;
	this_vcpu.cr2 = cr2;
	if (this_vcpu.kernel_mode) {
		this_vcpu.vcpu_info->arch.cr2 = cr2;
	} else {
		root_peek_kernel();
		this_vcpu.vcpu_info->arch.cr2 = cr2;
		root_peek_done();
	}
	irq_restore(flags);
	pv_inject_exception(TRAP_PF, error_code);
}

void bounce_event(void)
{
	const struct pv_callback cb = { this_vcpu.event.address, true };

	if (!cb.address) {
		domain_crash(current->domain,
			     "an event is due and no event callback is registered");
		return;
	}
	bounce_to(&cb, NULL, 0);
}

void bounce_nmi(void)
{
	const struct pv_callback cb = { this_vcpu.nmi.address, this_vcpu.nmi.mask_events };

	this_vcpu.nmi_pending = 0;
	if (!cb.address)
		return;
	this_vcpu.nmi_masked = 1;
	bounce_to(&cb, NULL, 0);
}

void bounce_failsafe(void)
{
	const u64 selectors[4] = { this_vcpu.ds, this_vcpu.es, this_vcpu.fs, this_vcpu.gs };

	this_vcpu.bad_selectors = 0;
	if (!this_vcpu.failsafe.address) {
		domain_crash(current->domain, "a segment selector no longer loads and no failsafe "
			     "callback is registered");
		return;
	}
	bounce_to(&this_vcpu.failsafe, selectors, 4);
}

/* SYSCALL in guest user mode: the guest's own entry, or #UD if it has none. */
void syscall_from_user(struct regs *r)
{
	if (this_vcpu.syscall.address) {
		bounce_to(&this_vcpu.syscall, NULL, 0);
		r->rflags &= ~(u64)EFLAGS_DF;
		return;
	}
	r->rip -= 2;
	pv_inject_exception(TRAP_UD, 0);
}

void syscall32_from_guest(struct regs *r)
{
	if (this_vcpu.syscall32.address) {
		bounce_to(&this_vcpu.syscall32, NULL, 0);
		return;
	}
	r->rip -= 2;
	pv_inject_exception(TRAP_UD, 0);
}

void sysenter_from_guest(struct regs *r)
{
	(void)r;
	if (this_vcpu.sysenter.address)
		bounce_to(&this_vcpu.sysenter, NULL, 0);
	else
		pv_inject_exception(TRAP_GP, 0);
}
