/* SPDX-License-Identifier: MIT */
/*
 * Storms: see asm/storm.h.
 */
#include <asm/storm.h>

bool storm_count(struct storm *s, u64 now)
{
	if (now >= s->window_ends)
		*s = (struct storm){ .window_ends = now + STORM_WINDOW };
	return ++s->count > STORM_MAX;
}

u32 storm_tell(struct storm_told *t, u64 now)
{
	u64 not_before = READ_ONCE(t->not_before);

	__atomic_fetch_add(&t->untold, 1, __ATOMIC_RELAXED);
	/* Of several CPUs one tells. */
	if (now < not_before ||
	    !__atomic_compare_exchange_n(&t->not_before, &not_before, now + SECONDS(1), false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(&t->untold, 0, __ATOMIC_RELAXED);
}
