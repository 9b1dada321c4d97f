/* SPDX-License-Identifier: MIT */
/*
 * The guest's clock.
 */
#include "clock.h"
#include "memory.h"

uint64_t clock_ns(void)
{
	const volatile struct vcpu_time_info *t = &vcpu_info->time;
	uint64_t ns = 0;
	uint32_t version;

	for (unsigned int tries = 0; tries < 1000000; tries++) {
		version = t->version;
		asm volatile("" : : : "memory");
		uint64_t delta = rdtsc() - t->tsc_timestamp;

		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
		asm volatile("" : : : "memory");
		if (!(version & 1) && t->version == version)
			break;
	}
	return ns;
}
