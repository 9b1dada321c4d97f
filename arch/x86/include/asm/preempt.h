/* SPDX-License-Identifier: MIT */
/*
 * When a long operation should stop and let the CPU do something else: it is continued later by
 * hypercall_continue().
 */
#pragma once

#include <asm/percpu.h>

/* Tables that wait to be taken apart: as many as one step parks at most (PRE-3, pt_validate.c). */
#define NR_PARKED 2

/* A softirq is pending. Callers check between bounded steps (CON-1). */
#ifdef HOSTED
bool hypercall_preempt_check(void);
#else
static inline bool hypercall_preempt_check(void)
{
	return unlikely(READ_ONCE(this_cpu.pub->softirq_pending));
}
#endif
