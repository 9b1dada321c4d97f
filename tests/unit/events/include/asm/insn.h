/* SPDX-License-Identifier: MIT */
/*
 * Hosted instructions: a simulated CPU takes its interrupts between guest steps only, so the flag
 * switches nothing off; but here, where a real one would be held up, it dawdles (machine.c).
 */
#pragma once
#include <sched.h>
#include <isola/types.h>

void sim_pause(void);

extern __thread bool sim_irq_off;       /* of this CPU: preconditions ask */

static inline u64 irq_save(void)
{
	u64 was = sim_irq_off;

	sim_pause();
	sim_irq_off = true;
	return was;
}

static inline void irq_restore(u64 flags) { sim_irq_off = flags; }
static inline void irq_enable(void) { sim_irq_off = false; }
static inline void irq_disable(void) { sim_irq_off = true; }
static inline bool irq_is_enabled(void) { return !sim_irq_off; }
static inline void cpu_relax(void) { sched_yield(); }
static inline void smp_mb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
