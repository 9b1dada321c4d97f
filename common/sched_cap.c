/* SPDX-License-Identifier: MIT */
/*
 * The budget behind a domain's cap.
 */
#include <isola/sched_cap.h>
#include <isola/clock.h>

/* Shorter slices would be spent on switching; what is run too long is owed. */
#define LEAST_SLICE MICROSECS(50)

static s64 grows_by(const struct sched_cap *c)
{
	return c->percent * (CAP_PERIOD / 100);
}

static void grow(struct sched_cap *c, u64 now)
{
	u64 periods = now > c->grown_at ? (now - c->grown_at) / CAP_PERIOD : 0;
	s64 by = grows_by(c);

	c->grown_at += periods * CAP_PERIOD;
	/* More periods than anybody can owe; and no product that overflows. */
	c->budget = min(c->budget + (s64)min(periods, 1000000ul) * by, by);
}

void cap_set(struct sched_cap *c, u32 percent, u64 now)
{
	c->percent = percent;
	c->grown_at = now;
	c->budget = grows_by(c);
}

bool cap_charge(struct sched_cap *c, u64 ran, u64 now)
{
	c->budget -= ran;
	grow(c, now);
	return c->budget > 0;
}

u64 cap_slice(const struct sched_cap *c, u32 nr)
{
	return c->budget > 0 ? max((u64)c->budget / nr, LEAST_SLICE) : LEAST_SLICE;
}
