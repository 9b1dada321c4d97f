/* SPDX-License-Identifier: MIT */
/*
 * A static domain that ends and begins anew, and one that stays (docs/static-domains.md). "lives=N"
 * and "port=P" stand in both lines; domain 1, which stays, owns the share "ring", where the other
 * counts its lives.
 *
 * The rule: in each life the declared port is connected and the share can be mapped; between two of
 * them the port of who stays is unbound, for the same number. Each ends its domain with exit=.
 */
#define TOPIC "lives"
#include "../claim.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include <xen/sched.h>

enum { LIFE, ANSWER };			/* words of the page */

static uint32_t number_behind(const char *word)
{
	const char *value = option(word);

	return value ? (uint32_t)(*value - '0') : 0;
}

/* Unmasked by the call, which looks at what has come before. */
static uint32_t open_port(void)
{
	struct evtchn_unmask unmask = { .port = number_behind("port=") };

	evtchn_count[unmask.port] = 0;
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &unmask));
	return unmask.port;
}

static volatile uint64_t *map_ring(uint32_t *handle)
{
	CHECK_EQ(share_map("isola.share.ring=", 0, GNTMAP_host_map, handle), GNTST_okay);
	return window(0);
}

/* The port's status becomes @status, of a domain with the other's number. */
static void wait_for_status(uint32_t port, uint32_t status)
{
	struct evtchn_status s;

	for (;;) {
		CHECK_OK(port_status(port, &s));
		if (s.status == status)
			break;
		HC2(sched_op, SCHEDOP_yield, 0);
	}
	if (status == EVTCHNSTAT_interdomain)
		CHECK_EQ(s.u.interdomain.dom, 3 - own_domid);
	else
		CHECK_EQ(s.u.unbound.dom, 3 - own_domid);
}

CLAIM(stays, "who stays finds its port unbound when the other ends, and connected when it begins "
      "anew, and hears it")
{
	uint32_t nr = number_behind("lives="), port, handle;
	volatile uint64_t *page;

	if (!nr || own_domid != 1)
		skip("only for domain 1 of two with lives=");
	page = map_ring(&handle);
	port = open_port();
	for (uint32_t life = 1; life <= nr; life++) {
		wait_for_status(port, EVTCHNSTAT_interdomain);
		while (page[LIFE] != life || !evtchn_count[port])
			HC2(sched_op, SCHEDOP_yield, 0);
		evtchn_count[port] = 0;
		page[ANSWER] = life;
		CHECK_OK(port_send(port));
		wait_for_status(port, EVTCHNSTAT_unbound);
	}
	CHECK_EQ(grant_unmap(handle, ARG(window(0)), 0), GNTST_okay);
}

CLAIM(returns, "who begins anew finds its declared port connected, and the page that it shares, "
      "with what stood in it")
{
	volatile uint64_t *page;
	uint32_t port, handle;
	uint64_t life;

	if (!number_behind("lives=") || own_domid != 2)
		skip("only for domain 2 of two with lives=");
	port = open_port();
	wait_for_status(port, EVTCHNSTAT_interdomain);
	page = map_ring(&handle);
	CHECK_EQ(page[ANSWER], page[LIFE]);
	life = ++page[LIFE];
	CHECK_OK(port_send(port));
	while (page[ANSWER] != life || !evtchn_count[port])
		HC2(sched_op, SCHEDOP_yield, 0);
	/* Its end gives it back. */
}
