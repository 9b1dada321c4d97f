/* SPDX-License-Identifier: MIT */
/*
 * What the files of the scheduler share. All of it under sched_lock.
 */
#pragma once

#include <isola/clock.h>
#include <isola/sched.h>
#include <isola/lib/bitmap.h>
#include <isola/runqueue.h>
#include <isola/spinlock.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

extern spinlock_t sched_lock;
extern struct runqueue run_queue;
extern u64 queue_clock;                 /* the least vruntime in the queue so far; only grows */
/*
 * CPUs that found nobody, also read without the lock (sched_left()); CPUs that have been asked to
 * choose, and have not.
 */
extern unsigned long cpus_idle[BITMAP_LONGS(CONFIG_NR_CPUS)];
extern unsigned long cpus_asked[BITMAP_LONGS(CONFIG_NR_CPUS)];

/* a cap or a rate limit has been set on this machine; else nobody looks for either */
extern bool has_limits;
extern u64 rate_limit_ns;               /* sched_set_rate_limit()'s */

/* 0 where clocks of two CPUs disagree by a little. */
static inline u64 since(u64 then, u64 now)
{
	return now > then ? now - then : 0;
}

static inline bool is_running(const struct vcpu *v)
{
	return cpu_public[v->cpu].running == v;
}

/* Could @v, not idle, run if there were a CPU? */
static inline bool is_ready(const struct vcpu *v)
{
	return v->state == VCPU_RUNNABLE && !v->pauses;
}

#define MAX_LEAD MILLISECS(100)

/* What @v will have had when it is charged @now. Lock held. */
static inline u64 vruntime_at(const struct vcpu *v, u64 now)
{
	u64 ran = since(v->charged_at, now);

	ASSERT_LOCKED(&sched_lock);
	if (unlikely(v->weight != DEFAULT_WEIGHT))
		ran = ran * DEFAULT_WEIGHT / v->weight;
	return min(v->vruntime + ran, queue_clock + MAX_LEAD);
}
/* @v, which is ready, is not queued and does not run: queue it, and ask a CPU. Lock held. */
void sched_offer(struct vcpu *v, u64 now);
/* @d's budget is used up no longer: queue who is ready then. Lock held. */
void sched_bring_back(struct domain *d, u64 now);

/* ---- sched_place.c: which CPU is asked to choose ---- */

/* @v, queued, waits: an idle CPU, or one that can find another for what it runs. Lock held. */
bool ask_idle(const struct vcpu *v);
/* The same, or else the CPU whose vcpu has had most, if more than @v has. Lock held. */
void ask_somebody(const struct vcpu *v, u64 now);
/* Some CPU idles, and has not been asked. Lock held. */
static inline bool any_cpu_idles(void)
{
	u64 any = 0;

	ASSERT_LOCKED(&sched_lock);
	for (unsigned w = 0; w < BITMAP_LONGS(CONFIG_NR_CPUS); w++)
		any |= cpus_idle[w] & ~cpus_asked[w];
	return any;
}

/* Then: who waits, though it may not run there, may get room by it. Lock held. */
void ask_for_room(void);
/* Is @cpu none of those where @v would rather run, while one of them idles? Lock held. */
bool has_better_place(const struct vcpu *v, u32 cpu);
