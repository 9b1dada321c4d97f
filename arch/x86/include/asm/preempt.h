/* SPDX-License-Identifier: MIT */
/*
 * When a long operation should stop and let the CPU do something else: it is continued later by
 * hypercall_continue().
 */
#pragma once

#include <asm/percpu.h>

/* A softirq is pending. Callers check between bounded steps (CON-1). */
#ifdef HOSTED
bool hypercall_preempt_check(void);
#else
static inline bool hypercall_preempt_check(void)
{
	return unlikely(READ_ONCE(this_cpu.pub->softirq_pending));
}
#endif
