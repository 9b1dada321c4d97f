/* SPDX-License-Identifier: MIT */
/*
 * The run queue: vcpus that could run, sorted by the time they have had.
 *
 * Pure list code over struct vcpu's fields vruntime, runq_next, runq_prev, queued, on_cpu and
 * affinity. The caller has the lock. Walks are as long as the queue: at most every vcpu there is
 * (CON-1).
 */
#pragma once

#include <isola/types.h>
#include <isola/vcpu.h>

struct runqueue {
	struct vcpu *first, *last;      /* least vruntime first; NULL: empty */
};

/* @v, not queued: behind all that have had as much or less. Searched from the end. */
void runqueue_insert(struct runqueue *q, struct vcpu *v);
/* @v, queued. */
void runqueue_remove(struct runqueue *q, struct vcpu *v);
/*
 * Who should run on @cpu: the first that may run there and is not on another CPU, nor @skipped
 * (NULL: nobody is). NULL: nobody. Takes nothing off the queue.
 */
struct vcpu *runqueue_pick(const struct runqueue *q, u32 cpu, const struct vcpu *skipped);
