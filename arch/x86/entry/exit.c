/* SPDX-License-Identifier: MIT */
/*
 * What is due before a guest runs again: softirqs, a failsafe callback, an NMI, an event. In that
 * order (ABI: exceptions have been bounced already; an event's frame goes on top of theirs).
 */
#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <asm/bounce.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>

/* Kernel root loaded, interrupts off. */
static void deliver(void)
{
	WRITE_ONCE(current->event_check, 0);
	if (this_vcpu.bad_selectors)
		bounce_failsafe();
	if (this_vcpu.nmi_pending && !this_vcpu.nmi_masked)
		bounce_nmi();
	evtchn_fold();
	if (evtchn_upcall_due())
		bounce_event();
}

void exit_work(void)
{
	if (READ_ONCE(this_cpu.pub->softirq_pending)) {
		irq_enable();
		softirq_run();
		irq_disable();
		return;		/* and look again: return.S loops until nothing is due */
	}
	if (this_vcpu.kernel_mode) {
		deliver();
		return;
	}
	/*
	 * In user mode the guest's event words are out of sight. A bounce leaves for the kernel
	 * root by itself.
	 */
	root_peek_kernel();
	deliver();
	root_peek_done();
}
