/* SPDX-License-Identifier: MIT */
/*
 * What is typed on the console: told to a guest by "typed=TEXT" (tests/boot/typed.t), which says so
 * when it is ready to read.
 *
 * The rule: who has the input gets each character once, in order, and is told by an event; nobody
 * else gets any.
 */
#define TOPIC "typed"
#include "../claim.h"
#include "../clock.h"
#include "../console.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include <xen/sched.h>

#define PATIENCE_NS (18000 * MS_NS)

/* The event that says that there is input. */
static uint32_t input_port(void)
{
	if (start->flags & SIF_INITDOMAIN)
		return port_bind_virq(VIRQ_CONSOLE, 0);
	return start->console.domU.evtchn;
}

static void say(const char *line)
{
	console_write(line, strlen(line));
}

CLAIM(line, "a line that is typed comes whole, with an event, to whom it is typed for")
{
	const char *want = option("typed=");
	uint64_t end = clock_ns() + PATIENCE_NS;
	uint32_t port, told;
	char got[80];
	size_t n = 0;

	if (!want)
		skip("nobody types");
	port = input_port();
	port_clear(port);		/* what is said is notified too */
	port_unmask(port);
	told = evtchn_count[port];
	say("# ready to be typed to\n");
	while (!n || (got[n - 1] != '\r' && n < sizeof(got) - 1 && clock_ns() < end)) {
		n += console_read(got + n, sizeof(got) - 1 - n);
		if (clock_ns() > end)
			break;
		HC2(sched_op, SCHEDOP_yield, 0);
	}
	CHECK(n > 0);
	got[n] = 0;
	note("got \"%s\"", got);
	CHECK_EQ(got[n - 1], '\r');
	CHECK(!strncmp(got, want, n - 1));
	CHECK(want[n - 1] == 0 || want[n - 1] == ' ');
	CHECK(evtchn_count[port] != told);
}
