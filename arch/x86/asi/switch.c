/* SPDX-License-Identifier: MIT */
/*
 * Context switch, on whose root each step runs:
 *   save       prev's kernel root: registers, FPU, segments, all into prev's own pages
 *   leave      next's root is loaded (asi/root.c); prev's pages are no longer mapped here, and
 *              other CPUs may take it (sched_left)
 *   clean      stacks that served another guest domain are zeroed (zero-stack), and
 *              predictors and the L1D cleared where spec-ctrl= has it (cpu/spec_ctrl.c)
 *   restore    next's kernel root: its pages -> this CPU
 * No lazy idle: a CPU that goes idle loads its idle root, and a vcpu runs elsewhere only after
 * that. Model: tests/models/handover.pml.
 */
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/softirq.h>
#include <isola/time.h>
#include <asm/asi_policy.h>
#include <asm/entry.h>
#include <asm/fpu.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/pvclock.h>
#include <asm/root.h>
#include <asm/runstate.h>
#include <asm/segments.h>
#include <asm/spec_ctrl.h>
#include <asm/switch.h>
#include <asm/vcpu_private.h>

void (*switch_load_cpu_state)(void);

/* By quadwords: left to itself, gcc 12 takes half as long steps. */
static void copy_regs(struct regs *to, const struct regs *from)
{
	u64 count = sizeof(*to) / 8;

	asm volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(count) :: "memory");
}

static void save_current(void)
{
	if (!this_vcpu.kernel_mode)
		root_peek_kernel();
	if (unlikely(current->leave))
		current->leave();
	copy_regs(&this_vcpu.regs, guest_regs());
	runstate_publish();
	segments_save();
	fpu_save(this_vcpu_fpu);
}

static void zero_bytes(u64 first, u64 end)
{
	u64 count = (end - first) / 8;

	asm volatile ("rep stosq" : "+D"(first), "+c"(count) : "a"(0) : "memory");
}

/* What is below this function's frame, and the IST stacks that ran. */
static void zero_stacks(void)
{
	static const struct { u8 ist; u64 top; } ists[] = {
		{ IST_NMI, VA_CPU_STACK_NMI_TOP },
		{ IST_MC, VA_CPU_STACK_MC_TOP },
		{ IST_DB, VA_CPU_STACK_DB_TOP },
	};
	u64 rsp;

	for (unsigned i = 0; i < ARRAY_SIZE(ists); i++)
		if (this_cpu.ist_used & 1ul << ists[i].ist)
			zero_bytes(ists[i].top - PAGE_SIZE, ists[i].top);
	this_cpu.ist_used = 0;
	asm volatile ("mov %%rsp, %0" : "=r"(rsp));
	/*
	 * zero_bytes is inlined or has returned: what lies below rsp is nobody's. 64 bytes for a
	 * call in flight.
	 */
	zero_bytes(VA_CPU_STACK, ROUNDDOWN(rsp - 64, 8));
}

/*
 * Another guest domain than the last; idle between the two does not count. By serial (DOM-1): the
 * next domain may have the last one's number.
 */
static bool domain_changes(const struct vcpu *next)
{
	bool other = this_cpu.last_serial != next->domain->serial;

	this_cpu.last_serial = next->domain->serial;
	return other;
}

static void restore_current(void)
{
	struct vcpu *v = current;

	copy_regs(guest_regs(), &this_vcpu.regs);
	if (fpu_restore(this_vcpu_fpu))
		domain_crash(v->domain, "its FPU image is not one this CPU takes");
	switch_load_cpu_state();
	segments_restore();
	pvclock_update();
	runstate_publish();
	/* The exit path looks at events on the kernel root; leave for user mode only then. */
	if (!this_vcpu.kernel_mode)
		root_peek_done();
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
	irq_disable();
	if (!vcpu_is_idle(prev))
		save_current();
	root_load(next);
	/* From here on another CPU may run prev. */
	sched_left(prev);
	if (vcpu_is_idle(next))
		reset_stack_and_call(idle_loop);
	if (domain_changes(next)) {
		if (asi_class_of(next->domain)->zero_stack)
			zero_stacks();
		spec_ctrl_domain_change();
	}
	WRITE_ONCE(next->event_check, 1);	/* posts may have come while it was out */
	restore_current();
	if (unlikely(next->loop))
		reset_stack_and_call(next->loop);
	return_to_guest();
}

/* From here on no root shows all RAM, with asi= on, until a packed kernel brings it back. */
void switch_leave_boot_root(void)
{
	irq_disable();
	root_load(cpu_public[0].idle_vcpu);
	reset_stack_and_call(idle_loop);
}

/* What this_cpu and its record say stays: the idle vcpu is current on the boot root, too. */
void switch_to_boot_root(void (*fn)(void))
{
	ASSERT(vcpu_is_idle(current) && !smp_cpu_id());
	irq_disable();
	root_adopt(boot_root_cr3);
	irq_enable();
	reset_stack_and_call(fn);
}

/* On this CPU's idle root, which shows no domain's memory: softirqs touch public objects only. */
void idle_loop(void)
{
	for (;;) {
		irq_disable();
		if (READ_ONCE(this_cpu.pub->softirq_pending)) {
			irq_enable();
			softirq_run();
			continue;
		}
		/* Whoever sets a bit from now on sends an interrupt, which ends the sleep. */
		irq_enable_and_halt();
	}
}
