/* SPDX-License-Identifier: MIT */
/*
 * Event channels to another domain: two selftest guests at once, each told the other's number by
 * "peer=N" (tests/boot/channel.t). The one with the lower number opens a port for the other, which
 * finds it by trying; then each waits for the other before every step, asleep. Who is never woken
 * runs out of time.
 */
#define TOPIC "channel"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include <xen/sched.h>

#define ROUNDS	300
#define PATIENCE_NS (15000 * MS_NS)
#define NOBODY	1234			/* no domain has this number */
#define TRIED	32			/* ports of the other's */

static domid_t peer(void)
{
	const char *number = option("peer=");

	if (!number)
		skip("there is no other domain");
	return (domid_t)(*number - '0');
}

/* Asleep, until @port has been delivered @times times. */
static bool delivered(uint32_t port, uint32_t times)
{
	uint64_t end = clock_ns() + PATIENCE_NS;

	for (;;) {
		upcalls_mask();
		if (evtchn_count[port] >= times || clock_ns() > end)
			break;
		/* Unmasks, and does not sleep if something is pending. */
		HC2(sched_op, SCHEDOP_block, 0);
	}
	upcalls_unmask();
	return evtchn_count[port] >= times;
}

static struct evtchn_status status_of(uint32_t port)
{
	struct evtchn_status s;

	CHECK_OK(port_status(port, &s));
	return s;
}

/* Until @port is in state @status. */
static bool becomes(uint32_t port, uint32_t status)
{
	uint64_t end = clock_ns() + PATIENCE_NS;

	while (status_of(port).status != status && clock_ns() < end)
		HC2(sched_op, SCHEDOP_yield, 0);
	return status_of(port).status == status;
}

/* One that @other has opened for us, but not @except. */
static uint32_t find(domid_t other, uint32_t except)
{
	uint64_t end = clock_ns() + PATIENCE_NS;
	int port = 0;

	while (port <= 0 && clock_ns() < end)
		for (uint32_t theirs = 1; port <= 0 && theirs < TRIED; theirs++)
			port = theirs == except ? 0 : port_bind_interdomain(other, theirs);
	CHECK_SAY(port > 0, "no port of domain %u is for us: %d", other, port);
	return (uint32_t)port;
}

static void ping_pong(uint32_t port, bool begin)
{
	struct evtchn_unmask unmask = { .port = port };

	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &unmask));
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		if (begin)
			CHECK_OK(port_send(port));
		CHECK_SAY(delivered(port, i), "event %u has not come", i);
		if (!begin)
			CHECK_OK(port_send(port));
	}
	CHECK_EQ(evtchn_count[port], ROUNDS);
}

/*
 * Open, and closed by the other; then the other's end is closed by us when it has bound anew. The
 * bound end is the pending one, and whoever closes gets no event.
 */
static void first(domid_t other)
{
	int nobodys = port_alloc_unbound(NOBODY), opened;
	struct evtchn_status s;
	uint32_t port;

	CHECK(nobodys > 0);
	CHECK_OK(port_send((uint32_t)nobodys));	/* goes nowhere */
	CHECK_OK(port_close((uint32_t)nobodys));
	/* From here on the other may bind it at any time. */
	opened = port_alloc_unbound(other);
	port = (uint32_t)opened;
	CHECK(opened > 0);
	CHECK(becomes(port, EVTCHNSTAT_interdomain));
	s = status_of(port);
	CHECK_EQ(s.u.interdomain.dom, other);
	ping_pong(port, false);
	CHECK(becomes(port, EVTCHNSTAT_unbound));
	CHECK_EQ(status_of(port).u.unbound.dom, other);
	CHECK_OK(port_send(port));
	CHECK(port_alloc_unbound(other) > 0);	/* the sign to go on */
	CHECK(becomes(port, EVTCHNSTAT_interdomain));
	CHECK_EQ(evtchn_count[port], ROUNDS);
	CHECK_OK(port_close(port));
	CHECK_ERR(port_send(port), XEN_EINVAL);
}

static void second(domid_t other)
{
	uint32_t port = find(other, 0), theirs;
	struct evtchn_status s = status_of(port);
	int again;

	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.dom, other);
	theirs = s.u.interdomain.port;
	ping_pong(port, true);
	CHECK_OK(port_close(port));
	find(other, theirs);
	again = port_bind_interdomain(other, theirs);
	CHECK(again > 0);
	CHECK(becomes((uint32_t)again, EVTCHNSTAT_unbound));
	CHECK_OK(port_send((uint32_t)again));
}

CLAIM(life, "a port opened for another domain is bound by it, wakes both, is unbound when the "
	    "other end closes, and can be bound again")
{
	domid_t other = peer();

	if (own_domid < other)
		first(other);
	else
		second(other);
}

CLAIM(refusals, "a domain without privilege opens, looks at and closes no other's ports, and does "
		"not learn which domains there are")
{
	static const domid_t others[] = { 0, 1, 2, 3, 1234, DOMID_IO };

	if (start->flags & SIF_INITDOMAIN)
		skip("dom0 may");
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct evtchn_alloc_unbound open = { .dom = others[i], .remote_dom = DOMID_SELF };
		struct evtchn_status look = { .dom = others[i], .port = 1 };
		struct evtchn_reset reset = { .dom = others[i] };

		if (others[i] == own_domid)
			continue;
		CHECK_ERR(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &open), XEN_EPERM);
		CHECK_ERR(HC2(event_channel_op, EVTCHNOP_status, &look), XEN_EPERM);
		CHECK_ERR(HC2(event_channel_op, EVTCHNOP_reset, &reset), XEN_EPERM);
	}
}
