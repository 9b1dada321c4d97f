/* SPDX-License-Identifier: MIT */
/*
 * Timers: a function called once, on the CPU that armed it, at or after a time in system ns. Public
 * objects. Kept per CPU in a list sorted by time, under that CPU's timer lock; the nearest one arms
 * the CPU's deadline. Handlers run from SOFTIRQ_TIMER, interrupts on, no lock held, and touch
 * public memory only (the loaded root may be another domain's). A vcpu that has moved finds its
 * timers where it was; they follow when they are armed anew.
 */
#pragma once

#include <isola/types.h>

struct timer {
	u64 expires;                    /* ns; valid while armed */
	void (*fn)(void *data);
	void *data;                     /* public object */
	u32 cpu;                        /* whose list, and where fn runs; of the last arming */
	bool armed;                     /* in the list */
	struct timer *next, *prev;      /* neighbours in the list; valid while armed */
};

void timer_init(struct timer *t, void (*fn)(void *), void *data);
/*
 * (Re-)arm for @expires (system ns; past: as soon as possible, but never from within this call), on
 * this CPU. Any context but NMI.
 */
void timer_set(struct timer *t, u64 expires);
/*
 * Disarm. A handler that is already running on another CPU is not waited for. Any context but NMI.
 */
void timer_stop(struct timer *t);
/*
 * The same, and no handler of it runs any more, anywhere: then it may go. Nobody else arms it, but
 * perhaps its handler. Not from a handler; no lock held, interrupts on.
 */
void timer_kill(struct timer *t);
/*
 * The end of the time slice of what runs on this CPU: SOFTIRQ_SCHEDULE is raised then. 0: none. Not
 * a timer of the list, because it changes at every switch. Interrupts off.
 */
void timer_set_slice(u64 end);
/* For who looks: how many timers @cpu has; if any, *@first: when the first ends. */
u32 timer_look(u32 cpu, u64 *first);
/* Registers SOFTIRQ_TIMER. */
void timer_subsys_init(void);
