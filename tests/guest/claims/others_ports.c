/* SPDX-License-Identifier: MIT */
/*
 * Ports of domains that the control domain makes: opened before there are vCPUs, and reset.
 */
#define TOPIC "others_ports"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../events.h"
#include "../memory.h"

/* A port of @domid's for ourselves, or negative errno. */
static int open_for_us(domid_t domid)
{
	struct evtchn_alloc_unbound op = { .dom = domid, .remote_dom = DOMID_SELF };
	long rc = HC2(event_channel_op, EVTCHNOP_alloc_unbound, &op);

	return rc ? (int)rc : (int)op.port;
}

static uint32_t status_of(domid_t domid, uint32_t port)
{
	struct evtchn_status op = { .dom = domid, .port = port };

	CHECK_OK(HC2(event_channel_op, EVTCHNOP_status, &op));
	return op.status;
}

static long reset(domid_t domid)
{
	struct evtchn_reset op = { .dom = domid };

	return HC2(event_channel_op, EVTCHNOP_reset, &op);
}

CLAIM_DOM0(early, "alloc_unbound for a domain that has no vCPUs yet gives ports 1, 2, ..., which "
		  "we bind, and close")
{
	domid_t domid = create();
	int port;

	CHECK_EQ(open_for_us(domid), 1);
	CHECK_EQ(open_for_us(domid), 2);
	port = port_bind_interdomain(domid, 1);
	CHECK(port > 0);
	CHECK_EQ(status_of(domid, 1), EVTCHNSTAT_interdomain);
	CHECK_OK(port_close((uint32_t)port));
	CHECK_EQ(status_of(domid, 1), EVTCHNSTAT_unbound);
	CHECK_OK(max_vcpus(domid, 2));
	CHECK_EQ(open_for_us(domid), 3);
	destroy(domid);
}

CLAIM_DOM0(limit, "max_evtchn_port is the last port that a domain can have; then -ENOSPC")
{
	domid_t domid;

	config()->max_evtchn_port = 3;
	CHECK_OK(domctl(XEN_DOMCTL_createdomain, ANY));
	domid = domctl_op.domain;
	CHECK_OK(max_vcpus(domid, 2));
	for (int i = 1; i <= 3; i++)
		CHECK_EQ(open_for_us(domid), i);
	CHECK_ERR(open_for_us(domid), XEN_ENOSPC);
	destroy(domid);
}

CLAIM_DOM0(reset, "EVTCHNOP_reset of another domain, which waits by our wish: all its ports are "
		  "closed, and ours at the other end unbound; of one that does not wait -EINVAL")
{
	domid_t domid = create();
	int port;

	CHECK_OK(max_vcpus(domid, 2));
	CHECK_EQ(open_for_us(domid), 1);
	CHECK_EQ(open_for_us(domid), 2);
	port = port_bind_interdomain(domid, 2);
	CHECK(port > 0);
	CHECK_OK(port_send((uint32_t)port));
	CHECK_OK(reset(domid));
	CHECK_EQ(status_of(domid, 1), EVTCHNSTAT_closed);
	CHECK_EQ(status_of(domid, 2), EVTCHNSTAT_closed);
	CHECK_EQ(status_of(DOMID_SELF, (uint32_t)port), EVTCHNSTAT_unbound);
	CHECK_EQ(open_for_us(domid), 1);
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, domid));
	CHECK_ERR(reset(domid), XEN_EINVAL);
	CHECK_EQ(status_of(domid, 1), EVTCHNSTAT_unbound);
	destroy(domid);
}
