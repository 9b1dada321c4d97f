/* SPDX-License-Identifier: MIT */
/*
 * Hosted instructions: a simulated CPU takes its interrupts between guest steps only, so there is nothing to switch off;
 * but here, where a real one would be held up, it dawdles (machine.c).
 */
#pragma once
#include <sched.h>
#include <isola/types.h>

void sim_pause(void);

static inline u64 irq_save(void) { sim_pause(); return 0; }
static inline void irq_restore(u64 flags) { (void)flags; }
static inline void irq_enable(void) { }
static inline void irq_disable(void) { }
static inline bool irq_is_enabled(void) { return true; }
static inline void cpu_relax(void) { sched_yield(); }
static inline void smp_mb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
