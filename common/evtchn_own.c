/* SPDX-License-Identifier: MIT */
/*
 * Ports that no guest has opened: those whose other end is the hypervisor, and those that a boot's
 * description connects.
 */
#include "evtchn_port.h"
#include <isola/evtchn_deliver.h>
#include <isola/printk.h>

void evtchn_bind_own(struct domain *d, u32 port)
{
	BUG_ON(port_of(d, port)->state != EVTCHN_FREE);
	publish(port_of(d, port), (struct evtchn){ .state = EVTCHN_OWN });
}

void evtchn_notify_own(struct domain *d, u32 port)
{
	u64 *mark = send_begin();
	struct evtchn e = { .word = READ_ONCE(port_of(d, port)->word) };

	if (e.state == EVTCHN_OWN)
		evtchn_deliver(notified(d, &e), port);
	send_end(mark);
}

void evtchn_notify_own_from_afar(struct domain *d, u32 port)
{
	u64 *mark = send_begin();
	struct evtchn e = { .word = READ_ONCE(port_of(d, port)->word) };

	if (e.state == EVTCHN_OWN)
		evtchn_deliver_or_post(notified(d, &e), port);
	send_end(mark);
}

bool evtchn_look(const struct domain *d, u32 port, struct evtchn *now)
{
	struct evtchn *e;

	if (!guest_port(d, port, &e))
		return false;
	now->word = READ_ONCE(e->word);
	return true;
}

static void connect_end(struct domain *d, u32 port, struct domain *peer, u32 peer_port)
{
	struct evtchn *e = port_of(d, port);

	BUG_ON(e->state != EVTCHN_FREE);
	e->peer = peer;
	publish(e, (struct evtchn){ .state = EVTCHN_INTERDOMAIN, .remote_domid = peer->domid,
				    .remote_port = peer_port });
}

void evtchn_connect(struct domain *d, u32 port, struct domain *peer, u32 peer_port)
{
	connect_end(d, port, peer, peer_port);
	connect_end(peer, peer_port, d, port);
}
