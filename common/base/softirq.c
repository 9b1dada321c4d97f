/* SPDX-License-Identifier: MIT */
/*
 * Softirqs: cpu_public[cpu].softirq_pending and the handler of each bit.
 *
 * Invariant: a bit is set before the CPU is told, and cleared before its handler looks for work, so
 * work announced while the handler runs is found by a second run.
 */
#include <isola/softirq.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <asm/insn.h>
#include <asm/percpu.h>

static void (*handlers[NR_SOFTIRQS])(void);     /* written at boot only */
void (*softirq_kick_cpu)(unsigned cpu);

void softirq_register(enum softirq nr, void (*handler)(void))
{
	handlers[nr] = handler;
}

void softirq_raise(enum softirq nr)
{
	__atomic_fetch_or(&cpu_public[smp_cpu_id()].softirq_pending, 1u << nr, __ATOMIC_SEQ_CST);
}

void softirq_raise_on(unsigned cpu, enum softirq nr)
{
	u32 old = __atomic_fetch_or(&cpu_public[cpu].softirq_pending, 1u << nr, __ATOMIC_SEQ_CST);

	/* A bit found set was announced by whoever set it. */
	if (cpu != smp_cpu_id() && !(old & 1u << nr) && softirq_kick_cpu)
		softirq_kick_cpu(cpu);
}

/*
 * Bounded: handlers are few, and each returns to this loop at most as often as interrupts raise its
 * bit anew. The lowest bit first, read afresh each time, because SCHEDULE (the last) need not
 * return.
 */
void softirq_run(void)
{
	u32 *pending = &this_cpu.pub->softirq_pending;
	u32 bits;

	ASSERT(irq_is_enabled());
	while ((bits = READ_ONCE(*pending)) != 0) {
		unsigned nr = __builtin_ctz(bits);

		spin_assert_none_held();
		__atomic_fetch_and(pending, ~(1u << nr), __ATOMIC_SEQ_CST);
		BUG_ON(nr >= NR_SOFTIRQS);
		if (handlers[nr])
			handlers[nr]();
	}
}
