/* SPDX-License-Identifier: MIT */
/*
 * System time: ns since boot, monotonic on each CPU, from the TSC. The TSCs of all CPUs are taken
 * to run together.
 */
#pragma once

#include <isola/types.h>

#define SECONDS(n)  ((u64)(n) * 1000000000ul)
#define MILLISECS(n) ((u64)(n) * 1000000ul)
#define MICROSECS(n) ((u64)(n) * 1000ul)

/* ns since boot. Any context, no locks, public and own-CPU memory only. */
u64 now_ns(void);
/* Busy wait; before clock_start() by counting port accesses. */
void udelay(unsigned us);
/*
 * System time starts: the TSC makes @hz ticks a second. Boot CPU, once.
 */
void clock_start(u64 hz);

/*
 * What guests read: ns = ns_stamp + (((tsc - tsc_stamp) << shift) * mul >> 32), a negative shift
 * being one to the right. Set once by clock_start() and the same on every CPU, so system time has
 * one source; @version changes should it ever be set anew.
 */
struct tsc_scale { u64 tsc_stamp, ns_stamp; u32 mul; s8 shift; u32 version; };
const struct tsc_scale *time_scale(void);
/* The same, as functions of an instant: the TSC value at system time @ns. */
u64 ns_to_tsc(u64 ns);
extern u64 tsc_khz;
