/* SPDX-License-Identifier: MIT */
/*
 * Caps: how much CPU time the vcpus of a domain get together, whatever nobody else wants.
 *
 * Pure bookkeeping, under sched_lock: a budget, which what they run is taken from and which grows
 * by percent/100 of the time that passes, a period at a time. It never holds more than a period's;
 * what was run beyond it is owed.
 */
#pragma once

#include <isola/types.h>
#include <isola/clock.h>
#include <isola/timer.h>

#define CAP_PERIOD MILLISECS(10)

struct sched_cap {
	u32 percent;                    /* of one CPU; 0: no cap, and nothing else is valid */
	bool is_used_up;                /* until `refill': each of its vcpus is paused once more */
	s64 budget;                     /* ns; negative: owed */
	u64 grown_at;                   /* the end of the last period that the budget grew by */
	struct timer refill;
};

/* From @now on @percent, with a period's budget. */
void cap_set(struct sched_cap *c, u32 percent, u64 now);
/* They ran for @ran ns until @now. False: the budget is used up. */
bool cap_charge(struct sched_cap *c, u64 ran, u64 now);
/* How long one of @nr vcpus may run before it is charged. */
u64 cap_slice(const struct sched_cap *c, u32 nr);
/* When the budget grows next. */
static inline u64 cap_grows_at(const struct sched_cap *c) { return c->grown_at + CAP_PERIOD; }
