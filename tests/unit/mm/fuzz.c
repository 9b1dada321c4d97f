/* SPDX-License-Identifier: MIT */
/*
 * The hostile guest led by libFuzzer: the input's first bytes say how often it is preempted and
 * faulted, the rest takes the place of chance. Stops by itself after FUZZ_CALLS calls
 * (environment), so that effort is counted in operations.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "guest.h"
#include "world.h"

#define MAX_ACTIONS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long wanted;

static void set_out(void)
{
	const char *calls = getenv("FUZZ_CALLS");

	wanted = calls ? strtoul(calls, NULL, 0) : ~0ul;
	if (!wanted) {
		printf("FUZZ_CALLS=%s: without a call there is nothing to find\n", calls);
		fflush(stdout);
		_Exit(2);
	}
	guest_audit_every = 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!wanted)
		set_out();
	if (size < 8)
		return 0;
	guest_start();
	guest_patient = data[0] & 1;
	preempt_rate = data[1];
	fault_rate = public_fault_rate = guest_patient ? 0 : data[2] / 4;
	world_seed(data[3]);
	world_feed = data + 4;
	world_feed_bytes = size - 4;
	for (unsigned i = 0; i < MAX_ACTIONS && world_feed_bytes; i++)
		if (!guest_call(0))
			abort();
	world_feed_bytes = 0;		/* the input goes away */
	if (world_audit())
		abort();
	if (seen.calls >= wanted) {
		printf("# calls %lu: %lu done, %lu refused, %lu continued; parked %lu, %lu frames "
		       "exchanged; no finding\n",
		       seen.calls, seen.ok, seen.refused, seen.continued, seen.parked,
		       seen.exchanged);
		fflush(stdout);
		_Exit(0);	/* libFuzzer takes exit() for a finding */
	}
	return 0;
}
