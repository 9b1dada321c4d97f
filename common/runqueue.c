/* SPDX-License-Identifier: MIT */
/*
 * The run queue, a doubly linked list.
 */
#include <isola/runqueue.h>
#include <isola/lib/bitmap.h>

void runqueue_insert(struct runqueue *q, struct vcpu *v)
{
	struct vcpu *before = q->last, *after = NULL;

	while (before && before->vruntime > v->vruntime) {
		after = before;
		before = before->runq_prev;
	}
	v->queued = true;
	v->runq_prev = before;
	v->runq_next = after;
	if (before)
		before->runq_next = v;
	else
		q->first = v;
	if (after)
		after->runq_prev = v;
	else
		q->last = v;
}

void runqueue_remove(struct runqueue *q, struct vcpu *v)
{
	if (v->runq_prev)
		v->runq_prev->runq_next = v->runq_next;
	else
		q->first = v->runq_next;
	if (v->runq_next)
		v->runq_next->runq_prev = v->runq_prev;
	else
		q->last = v->runq_prev;
	v->queued = false;
}

static bool may_run(const struct vcpu *v, u32 cpu)
{
	u32 on_cpu = __atomic_load_n(&v->on_cpu, __ATOMIC_ACQUIRE);

	return (on_cpu == NO_CPU || on_cpu == cpu) && bitmap_test(v->affinity, cpu);
}

struct vcpu *runqueue_pick(const struct runqueue *q, u32 cpu, const struct vcpu *skipped)
{
	struct vcpu *v = q->first;

	while (v && (v == skipped || !may_run(v, cpu)))
		v = v->runq_next;
	return v;
}
