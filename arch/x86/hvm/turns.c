/* SPDX-License-Identifier: MIT */
/*
 * An HVM vcpu's turns: its guest runs from this loop, which begins anew at each switch to it
 * (vcpu.loop), on its kernel root. What is due comes first, then what is to be delivered, with
 * interrupts off; from there to the entry they stay off, so that whatever comes then ends the
 * guest's run at once.
 *
 * Isolation: nothing foreign is in the root while an exit is handled, and no other root is loaded;
 * the guest's own memory is in its window, as a PV guest's is. The guest itself never runs on a
 * root of ours.
 */
#include <isola/domain.h>
#include <isola/softirq.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/p2m_touch.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

/* ---- Turns ----------------------------------------------------------------------------------- */

/* Interrupts off, before and after. What has crashed the domain raises a softirq, too. */
static void do_what_is_due(void)
{
	while (READ_ONCE(this_cpu.pub->softirq_pending)) {
		irq_enable();
		softirq_run();
		irq_disable();
	}
}

/*
 * The stamp is read with interrupts off: whoever takes a leaf away from now on sends an interrupt,
 * which ends this run, and waits for it (mm/p2m.c). False: device models are waited for, or are to
 * be told that pages have left.
 */
static bool is_free_to_run(void)
{
	u64 stamp = __atomic_load_n(&current->domain->hvm->p2m.stamp, __ATOMIC_SEQ_CST);

	if (unlikely(stamp != this_hvm.p2m_stamp)) {
		this_hvm.p2m_stamp = stamp;
		this_hvm.flush = true;
		this_hvm.io.has_left = true;
	}
	return likely(!(this_hvm.io.asked | this_hvm.io.has_left));
}

static bool take_flush(void)
{
	bool flush = this_hvm.flush;

	ASSERT(hvm_has_left_none());
	this_hvm.flush = false;
	return flush;
}

void hvm_vcpu_loop(void)
{
	struct hvm_exit e;

	ASSERT_IRQS_OFF();
	hvm->ready_cpu();
	p2m_track_arm(&current->domain->hvm->p2m);
	this_hvm.flush = true;		/* another vcpu may have run here, or this one elsewhere */
	for (;;) {
		do_what_is_due();
		if (unlikely(!is_free_to_run())) {
			irq_enable();
			hvm_await_models();
			irq_disable();
			continue;
		}
		hvm_deliver();
		hvm->run(&e, take_flush(), &this_hvm.event);
		hvm_look_at_upcall();
		irq_enable();
		hvm_handle_exit(&e);
		irq_disable();
	}
}
