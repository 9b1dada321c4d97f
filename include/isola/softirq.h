/* SPDX-License-Identifier: MIT */
/*
 * Softirqs: work that an interrupt, or another CPU, asks a CPU to do before it next returns to its
 * guest or idles. One bit each in cpu_public[cpu].softirq_pending. Handlers run on the CPU itself,
 * interrupts on, in bit order. SCHEDULE comes last and need not return.
 */
#pragma once

#include <isola/types.h>

enum softirq {
	SOFTIRQ_TIMER,          /* common/timer.c: expired timers */
	SOFTIRQ_CLOCK,          /* asi/pvclock.c: what a guest sees of time has changed */
	SOFTIRQ_CONSOLE,        /* common/console_drain.c: lines wait to be sent */
	SOFTIRQ_INPUT,          /* common/console_input.c: something has been typed */
	SOFTIRQ_ORPHANS,        /* asi/orphan.c: frames wait to be free */
	SOFTIRQ_MCE,            /* cpu/mce.c: machine checks to tell of */
	SOFTIRQ_UCODE,          /* cpu/ucode_late.c: all CPUs come together, and load */
	SOFTIRQ_WATCH,          /* irq/cpu_watch.c: CPUs begin to look at each other */
	SOFTIRQ_SHADOW,         /* shadow/self.c: a vcpu wants its domain shadowed */
	SOFTIRQ_BOOT,           /* asi/switch.c: back to the boot root; need not return */
	SOFTIRQ_SCHEDULE,       /* common/sched.c: choose again */
	NR_SOFTIRQS,
};

void softirq_register(enum softirq nr, void (*handler)(void));
/* Ask this CPU. Any context. */
void softirq_raise(enum softirq nr);
/* Ask @cpu; sends an IPI if it is another one and may not notice by itself. Any context. */
void softirq_raise_on(unsigned cpu, enum softirq nr);
/* Run what is pending. Interrupts on on entry and on return (if it returns). */
void softirq_run(void);

/*
 * Hook of the floor above, set once at boot: send @cpu the VECTOR_EVENT_CHECK interrupt. Any
 * context. NULL: no other CPU runs yet.
 */
extern void (*softirq_kick_cpu)(unsigned cpu);
