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

void evtchn_declare(struct domain *d, u32 port, domid_t peer)
{
	struct evtchn *e = port_of(d, port);

	spin_lock(&d->evtchn_lock);
	if (e->state == EVTCHN_FREE)
		publish(e, (struct evtchn){ .state = EVTCHN_UNBOUND, .remote_domid = peer });
	spin_unlock(&d->evtchn_lock);
}

/* @e waits for a domain with @peer's number. */
static bool is_open_to(const struct evtchn *e, const struct domain *peer)
{
	return e->state == EVTCHN_UNBOUND && e->remote_domid == peer->domid;
}

/* An end that has been bound before keeps the vcpu that it notifies. */
static void connect_end(struct evtchn *e, struct domain *peer, u32 peer_port)
{
	publish_bound(e, peer, (struct evtchn){ .state = EVTCHN_INTERDOMAIN,
						.notify_vcpu = e->notify_vcpu,
						.remote_port = peer_port });
}

void evtchn_connect(struct domain *d, u32 port, struct domain *peer, u32 peer_port)
{
	struct evtchn *e = port_of(d, port), *other;

	spin_lock_pair(&d->evtchn_lock, &peer->evtchn_lock);
	/* Who dies has closed its ports by the time it may have none (evtchn_destroy()). */
	if (!READ_ONCE(peer->is_dying) && guest_port(peer, peer_port, &other) &&
	    is_open_to(e, peer) && is_open_to(other, d)) {
		connect_end(e, peer, peer_port);
		connect_end(other, d, port);
	}
	spin_unlock_pair(&d->evtchn_lock, &peer->evtchn_lock);
}
