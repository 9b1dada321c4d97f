/* SPDX-License-Identifier: MIT */
/*
 * Weights and caps between domains that always want to run: each, told by "share=N" how many in a
 * thousand of one CPU its vCPUs are to get together, runs for "ms=N" by the clock that all share,
 * and looks what it has had (tests/boot/weights.t).
 */
#define TOPIC "weights"
#include "../claim.h"
#include "../clock.h"
#include "../memory.h"
#include "../sibling.h"
#include <xen/vcpu.h>

#define BEGIN_NS	(500 * MS_NS)	/* everybody has booted, and what they owe is even */

static uint64_t number(const char *key)
{
	const char *s = option(key);
	uint64_t n = 0;

	if (!s)
		skip("there are no other tenants");
	while (*s >= '0' && *s <= '9')
		n = n * 10 + (uint64_t)(*s++ - '0');
	return n;
}

static uint64_t had_by(unsigned int vcpu)
{
	struct vcpu_runstate_info r;

	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, vcpu, &r));
	return r.time[RUNSTATE_running];
}

static void work(void)
{
	while (!stop)
		asm volatile("pause");
}

CLAIM(share, "of CPUs that all want, vCPUs get what the weights or the cap of their domains say, "
      "within 5 %")
{
	uint64_t wanted = number("share="), ms = number("ms="), began, had = 0, is;
	unsigned int nr = other_is_up() == -XEN_ENOENT ? 1 : 2;

	stop = false;
	if (nr == 2) {
		other_start();
		job = work;
	}
	WAIT_FOR(clock_ns() >= BEGIN_NS, 2000);
	began = clock_ns();
	CHECK_SAY(began < BEGIN_NS + 200 * MS_NS, "it is %lu ms late", (began - BEGIN_NS) / MS_NS);
	for (unsigned int i = 0; i < nr; i++)
		had -= had_by(i);
	WAIT_FOR(clock_ns() >= began + ms * MS_NS, 20000);
	for (unsigned int i = 0; i < nr; i++)
		had += had_by(i);
	is = had * 1000 / (clock_ns() - began);
	/* The others have not measured yet. */
	WAIT_FOR(false, 300);
	stop = true;
	note("%lu in a thousand, %lu wanted", is, wanted);
	CHECK_SAY(is * 20 >= wanted * 19 && is * 20 <= wanted * 21,
		  "it had %lu in a thousand of a CPU, not %lu", is, wanted);
}
