/* SPDX-License-Identifier: MIT */
/*
 * Timers: a function called once, on the timer's CPU, at or after a time in system ns. Public
 * objects. Kept per CPU in a list sorted by time, under that CPU's timer lock; the nearest one arms
 * the CPU's deadline. Handlers run from SOFTIRQ_TIMER, interrupts on, no lock held, and touch
 * public memory only (the loaded root may be another domain's).
 */
#pragma once

#include <isola/types.h>

struct timer {
	u64 expires;                    /* ns; valid while armed */
	void (*fn)(void *data);
	void *data;                     /* public object */
	u32 cpu;                        /* whose list, and where fn runs */
	bool armed;                     /* in the list */
	struct timer *next, *prev;      /* neighbours in the list; valid while armed */
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
/*
 * (Re-)arm for @expires (system ns; past: as soon as possible, but never from within this call).
 * Any context but NMI.
 */
void timer_set(struct timer *t, u64 expires);
/*
 * Disarm. A handler that is already running on another CPU is not waited for. Any context but NMI.
 */
void timer_stop(struct timer *t);
/* Move an armed or idle timer to @cpu. Not concurrently with itself. */
void timer_migrate(struct timer *t, unsigned cpu);
/* Registers SOFTIRQ_TIMER. */
void timer_subsys_init(void);
