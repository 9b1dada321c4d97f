/* SPDX-License-Identifier: MIT */
/*
 * What is typed on the console: told to a guest by "typed=TEXT", and how much is pasted by
 * "pasted=BYTES" (tests/boot/typed.t); the guest says when it is ready to read.
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

/* What is pasted: byte @i. */
static char pasted_byte(size_t i)
{
	return ' ' + (i * 7 + i / 95) % 95;
}

CLAIM(paste, "what comes at once, more than any buffer holds, comes whole")
{
	const char *want = option("pasted=");
	uint64_t end = clock_ns() + PATIENCE_NS;
	size_t size = 0, n = 0, wrong = 0;
	char got[80];

	if (!want)
		skip("nobody pastes");
	for (; *want >= '0' && *want <= '9'; want++)
		size = size * 10 + (*want - '0');
	CHECK(size > 0);
	port_unmask(input_port());
	say("# ready for a paste\n");
	while (n < size && clock_ns() < end) {
		size_t some = console_read(got, sizeof(got));

		for (size_t i = 0; i < some; i++, n++)
			wrong += got[i] != pasted_byte(n);
		if (!some)
			HC2(sched_op, SCHEDOP_yield, 0);
	}
	note("%lu bytes, %lu of them wrong", n, wrong);
	CHECK_EQ(n, size);
	CHECK_EQ(wrong, 0);
}
