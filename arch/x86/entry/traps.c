/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: whose they are and who deals with them.
 *
 *   from a guest        try what PV emulates for that vector, else the guest gets it
 *                       (pv_inject_exception)
 *   from the hypervisor a guarded access to guest memory (ex_table), the guest's own IRET, or our
 *   bug: panic
 */
#include <isola/domain.h>
#include <isola/panic.h>
#include <isola/vcpu.h>
#include <isola/printk.h>
#include <asm/cpu_watch.h>
#include <asm/emul.h>
#include <asm/entry.h>
#include <asm/firmware_root.h>
#include <asm/insn.h>
#include <asm/irq.h>
#include <asm/ldt.h>
#include <asm/mce.h>
#include <asm/percpu.h>
#include <asm/shadow.h>
#include <asm/trap.h>
#include <asm/vcpu_private.h>

#define GP_IDT_BIT 2u			/* error code: the selector index is an IDT vector */

extern const struct ex_entry ex_table_start[], ex_table_end[];

static u64 ex_insn(const struct ex_entry *e)
{
	return (u64)&e->insn + e->insn;
}

bool ex_fixup(struct regs *r)
{
	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if (ex_insn(e) == r->rip) {
			r->rip = (u64)&e->fixup + e->fixup;
			return true;
		}
	return false;
}

static bool in_ldt_window(u64 va)
{
	return va >= VA_LDT && va < VA_LDT + (16ul << PAGE_SHIFT);
}

/*
 * The IRET to the guest faulted. Registers are the guest's already (they were popped), the hardware
 * part still stands where guest_regs() is: put the frame together again. @r overlaps it, so it is
 * copied first; returns the copy's vector and error code.
 */
struct fault { u32 vector, error_code; };

static struct fault rebuild_guest_frame(const struct regs *r)
{
	const struct regs copy = *r;
	struct regs *g = guest_regs();

	__builtin_memcpy(g, &copy, offsetof(struct regs, error_code));
	g->vector = 0;
	return (struct fault){ copy.vector, copy.error_code };
}

/* Bad CS, SS or rip in the guest's own frame: the exception is the guest's. */
static void __noreturn guest_iret_fault(const struct regs *r, u64 cr2)
{
	struct fault f = rebuild_guest_frame(r);

	if (f.vector == TRAP_PF && in_ldt_window(cr2))
		pv_inject_exception(TRAP_GP, (cr2 - VA_LDT) & 0xfff8u);	/* as for its own loads */
	else if (f.vector == TRAP_PF)
		pv_inject_page_fault(f.error_code, cr2);
	else
		pv_inject_exception(f.vector, f.error_code);
	return_to_guest();
}

/*
 * Loading a selector at a switch, or IRET, touched an LDT page that is not mapped yet. Mapping it
 * may wait for locks whose holders wait for this CPU to answer a flush: interrupts on. What may
 * have become due meanwhile is looked for by going through the exit checks again.
 */
static bool ldt_fault_from_hypervisor(const struct regs *r, u64 offset)
{
	bool mapped;

	irq_enable();
	mapped = ldt_map_page_fault(offset);
	irq_disable();
	if (mapped && r->rip == (u64)return_iret_insn) {
		rebuild_guest_frame(r);
		return_to_guest();
	}
	return mapped;
}

static void fault_from_hypervisor(struct regs *r, u64 cr2)
{
	if (r->vector == TRAP_PF && in_ldt_window(cr2) &&
	    ldt_fault_from_hypervisor(r, cr2 - VA_LDT))
		return;
	if (r->rip == (u64)return_iret_insn)
		guest_iret_fault(r, cr2);
	if ((r->vector == TRAP_PF && shadow_own_fault(cr2, r->error_code)) || ex_fixup(r) ||
	    firmware_fault(r))
		return;
	if (r->vector == TRAP_PF)
		panic_regs(r, "page fault at %016lx, error code %x", cr2, r->error_code);
	panic_regs(r, "exception %u, error code %x", r->vector, r->error_code);
}

/*
 * A descriptor that cannot be had, at @offset of the LDT: as the guest would see it without us, a
 * page fault where it has its LDT; if there can be no such address, #GP with the selector.
 */
static void ldt_inject_fault(u32 ec, u64 offset)
{
	u64 va = this_vcpu.ldt_base + offset;

	if (is_canonical(va))
		pv_inject_page_fault(ec, va);
	else
		pv_inject_exception(TRAP_GP, (offset & 0xfff8u) | 4);	/* 4: LDT */
}

/* A guest's fault, unless it is a store into its page tables. */
static __always_inline void give_to_guest(struct regs *r, u32 ec, u64 cr2)
{
	if (this_vcpu.kernel_mode && (ec & (PFEC_P | PFEC_W | PFEC_I)) == (PFEC_P | PFEC_W) &&
	    !is_hv_address(cr2) && emul_pt_write(r, cr2))
		return;
	pv_inject_page_fault(ec, cr2);
}

/* Its error code says that it may be no guest's. */
static __noinline void fault_of_ours(struct regs *r, u32 ec, u64 cr2)
{
	ec = shadow_guest_fault(cr2, ec);
	if (ec)
		give_to_guest(r, ec, cr2);
}

/* One that pv_page_fault_is_guests() has left to us. */
void trap_page_fault(struct regs *r)
{
	u64 cr2 = read_cr2();
	u32 ec = r->error_code;

	irq_enable();		/* the frame and cr2 are safe now */
	if (in_ldt_window(cr2) && !(ec & PFEC_U)) {
		/* A descriptor load by the guest: the processor reads the window as supervisor. */
		if (ldt_map_page_fault(cr2 - VA_LDT))
			return;
		ldt_inject_fault(ec, cr2 - VA_LDT);
		return;
	}
	if (unlikely(is_fault_ours(ec)))
		fault_of_ours(r, ec, cr2);
	else
		give_to_guest(r, ec, cr2);
}

void trap_dispatch(struct regs *r)
{
	if (r->vector >= VECTOR_FIRST_EXTERNAL && r->vector != VECTOR_INT80) {
		irq_dispatch(r);
		return;
	}
	if (!regs_from_guest(r)) {
		if (r->vector == VECTOR_INT80)
			panic_regs(r, "int 80h in the hypervisor");
		fault_from_hypervisor(r, r->vector == TRAP_PF ? read_cr2() : 0);
		return;
	}
	irq_enable();
	if (r->vector == TRAP_NM) {
		/* Ours never: the FPU is switched eagerly. So the guest's own TS. */
		this_vcpu.ts = 0;
		asm volatile ("clts");
	}
	pv_inject_exception(r->vector, r->error_code);
}

void trap_general_protection(struct regs *r)
{
	if (likely(!r->error_code)) {
		if (emul_priv_op(r))
			return;
	} else if (r->error_code & GP_IDT_BIT && emul_software_int(r)) {
		return;
	}
	pv_inject_gp(r->error_code);
}

void trap_invalid_opcode(struct regs *r)
{
	if (!emul_invalid_op(r))
		pv_inject_exception(TRAP_UD, 0);
}

void trap_debug_ist(struct regs *r)
{
	u64 dr6;

	/* From ring 3 too: the registers were pushed there before the frame moved. */
	this_cpu.ist_used |= 1ul << IST_DB;
	asm volatile ("mov %%dr6, %0" : "=r"(dr6));
	if (!regs_from_guest(r)) {
		/*
		 * A guest's TF at SYSENTER, or a watchpoint that our own access to its memory hit
		 * (DBG-4): nothing to tell anyone.
		 */
		r->rflags &= ~(u64)EFLAGS_TF;
		asm volatile ("mov %0, %%dr6" :: "r"(0xffff0ff0ul));
		return;
	}
	pv_debugreg_merge(dr6);
	pv_inject_exception(TRAP_DB, 0);
}

/*
 * NMI and #MC, on whatever root is loaded, between any two instructions, a CR3 load's neighbours
 * included: every root shows this CPU's area, and they touch nothing else but public words.
 */
void trap_nmi(struct regs *r)
{
	this_cpu.ist_used |= 1ul << IST_NMI;
	if (panic_in_progress())
		cpu_stop();
	cpu_watch_nmi(r);
}

void trap_machine_check(struct regs *r)
{
	this_cpu.ist_used |= 1ul << IST_MC;
	mce_take(r);
}

void trap_double_fault(struct regs *r)
{
	panic_regs(r, "double fault: the stack overflowed into its guard page, or worse");
}
