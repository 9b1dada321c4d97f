/* SPDX-License-Identifier: MIT */
/*
 * The deadline: one point in system time at which this CPU wants to be interrupted.
 *
 * Invariant: this_cpu.tsc_deadline is what the hardware is armed for, 0 when it is not. The
 * interrupt may come early; SOFTIRQ_TIMER looks at the clock and arms again.
 */
#include <isola/time.h>
#include <isola/softirq.h>
#include <isola/printk.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

static const struct deadline_timer *timer;      /* written at boot only */

void deadline_register(const struct deadline_timer *t)
{
	timer = t;
}

void time_init_cpu(void)
{
	timer->init_cpu();
	this_cpu.tsc_deadline = 0;
	if (!smp_cpu_id())
		pr_info("Time: deadlines by %s", timer->name);
}

void deadline_set(u64 deadline)
{
	u64 now;

	ASSERT_IRQS_OFF();
	if (deadline == this_cpu.tsc_deadline || !timer)
		return;
	this_cpu.tsc_deadline = deadline;
	if (!deadline) {
		timer->disarm();
		return;
	}
	now = now_ns();
	timer->arm(ns_to_tsc(deadline), deadline > now ? deadline - now : 0);
}

void deadline_by(u64 deadline)
{
	if (!this_cpu.tsc_deadline || deadline < this_cpu.tsc_deadline)
		deadline_set(deadline);
}

void deadline_interrupt(void)
{
	this_cpu.tsc_deadline = 0;
	softirq_raise(SOFTIRQ_TIMER);
}
