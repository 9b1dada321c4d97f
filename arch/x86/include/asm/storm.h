/* SPDX-License-Identifier: MIT */
/*
 * Storms: what a device can cause without end is bounded, in work and in what is said about it.
 */
#pragma once

#include <isola/types.h>
#include <isola/clock.h>

/* More interrupts than this of one line in a window, and it rests. 100,000 a second. */
#define STORM_WINDOW MILLISECS(10)
#define STORM_MAX    1000
#define STORM_REST   MILLISECS(100)

/* How often something has happened lately. Its owner's lock. Zero: never. */
struct storm {
	u64 window_ends;                /* ns */
	u32 count;                      /* in this window */
};

/* It has happened, at @now. True: too often. */
bool storm_count(struct storm *s, u64 now);

/*
 * What is said once a second at most, with how often it has happened since. No lock. Zero: never.
 */
struct storm_told {
	u64 not_before;                 /* ns */
	u32 untold;
};

/* It has happened, at @now. Returns how often since it was last told, if that is due; else 0. */
u32 storm_tell(struct storm_told *t, u64 now);
