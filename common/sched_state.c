/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's state: see sched.c.
 */
#include "sched_state.h"
#include <isola/lock_order.h>

spinlock_t sched_lock = SPINLOCK_INIT(LOCK_SCHED);
struct runqueue run_queue;
u64 queue_clock;
DECLARE_BITMAP(cpus_idle, CONFIG_NR_CPUS);
DECLARE_BITMAP(cpus_asked, CONFIG_NR_CPUS);
bool has_limits;
u64 rate_limit_ns;
