/* SPDX-License-Identifier: MIT */
/*
 * What is due before a guest runs again: softirqs, a failsafe callback, an NMI, an event. In that
 * order (ABI: exceptions have been bounced already; an event's frame goes on top of theirs).
 *
 * Siblings can keep this CPU here for as long as they like, by events: interrupts get their chance
 * before each repeat, so what they lengthen is the way out, never a stretch with interrupts off.
 */
#include <isola/evtchn.h>
#include <isola/softirq.h>
#include <asm/bounce.h>
#include <asm/entry.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <asm/root.h>

/*
 * Kernel root loaded, interrupts off. What is posted behind evtchn_fold() raises event_check again.
 */
static void deliver(void)
{
	const struct vcpu_info *info = this_vcpu.vcpu_info;

	ASSERT_IRQS_OFF();
	ASSERT_KERNEL_ROOT();
	evtchn_fold();			/* clears event_check, then a barrier */
	if (unlikely(this_vcpu.bad_selectors))
		bounce_failsafe();
	if (unlikely(READ_ONCE(current->nmi_pending) && !this_vcpu.nmi_masked))
		bounce_nmi();
	if (READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask))
		bounce_event();
}

bool exit_work(void)
{
	const u32 *softirqs = &this_cpu.pub->softirq_pending;
	bool from_user;

	if (READ_ONCE(*softirqs)) {
		irq_enable();
		softirq_run();
		irq_disable();
		return false;		/* look again: return.S loops until nothing is due */
	}
	/*
	 * In user mode the guest's event words are out of sight. A bounce leaves for the kernel
	 * root by itself.
	 */
	from_user = !this_vcpu.kernel_mode;
	if (from_user)
		root_peek_kernel();
	deliver();
	if (from_user)
		root_peek_done();
	/*
	 * A crash raises a softirq. Whatever else comes from now on comes with an interrupt; a post
	 * that was made before it is found again then (event_check).
	 */
	if (READ_ONCE(*softirqs))
		return false;
	if (likely(!READ_ONCE(current->event_check)))
		return true;
	irq_window();
	return false;
}
