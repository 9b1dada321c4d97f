/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's state, and the run time that orders its queue: see sched.c.
 */
#include "sched_state.h"
#include <isola/clock.h>
#include <isola/lock_order.h>
#include <asm/precondition.h>

#define MAX_CREDIT MILLISECS(10)
#define MAX_LEAD   MILLISECS(100)

spinlock_t sched_lock = SPINLOCK_INIT(LOCK_SCHED);
struct runqueue run_queue;
u64 queue_clock;
DECLARE_BITMAP(cpus_idle, CONFIG_NR_CPUS);
DECLARE_BITMAP(cpus_asked, CONFIG_NR_CPUS);
u64 rate_limit_ns;

u64 vruntime_at(const struct vcpu *v, u64 now)
{
	u64 ran = since(v->charged_at, now);

	ASSERT_LOCKED(&sched_lock);
	if (unlikely(v->weight != DEFAULT_WEIGHT))
		ran = ran * DEFAULT_WEIGHT / v->weight;
	return min(v->vruntime + ran, queue_clock + MAX_LEAD);
}

void advance_clock(void)
{
	ASSERT_LOCKED(&sched_lock);
	if (run_queue.first)
		queue_clock = max(queue_clock, run_queue.first->vruntime);
}

void come_back(struct vcpu *v)
{
	ASSERT_LOCKED(&sched_lock);
	v->vruntime = max(v->vruntime, queue_clock - min(queue_clock, MAX_CREDIT));
	runqueue_insert(&run_queue, v);
}
