/* SPDX-License-Identifier: MIT */
/*
 * The guest's clock: nanoseconds of hypervisor system time, from vcpu_info and the TSC.
 */
#pragma once

#include <stdint.h>

#define MS_NS 1000000ul

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* System time now. Retries while the record is being updated, at most a million times. */
uint64_t clock_ns(void);

/* Wait for @condition to become true, at most @ms milliseconds; its final value. */
#define WAIT_FOR(condition, ms)                                         \
	({                                                              \
		uint64_t wait_end = clock_ns() + (ms) * MS_NS;          \
		bool wait_met;                                          \
		while (!(wait_met = (condition)) && clock_ns() < wait_end) \
			asm volatile("pause" : : : "memory");           \
		wait_met;                                               \
	})
