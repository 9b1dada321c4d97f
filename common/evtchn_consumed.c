/* SPDX-License-Identifier: MIT */
/*
 * Ports whose end the hypervisor keeps: by them it tells a device model of requests, and the model
 * says that it has answered. For others they are ports like any, to be bound by the one domain that
 * they are for. Nothing ever becomes pending on this end: what comes wakes the vcpu that waits.
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/evtchn_deliver.h>
#include <isola/sched.h>

long evtchn_consumed_open(struct domain *d, const struct vcpu *v, domid_t remote)
{
	long port;

	spin_lock(&d->evtchn_lock);
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_CONSUMED_UNBOUND,
						    .notify_vcpu = v->id,
						    .remote_domid = remote });
	spin_unlock(&d->evtchn_lock);
	return port;
}

/* As evtchn_release() does; there is no post to take back. Both locks held. */
static void close_locked(struct domain *d, struct evtchn *e, u32 port)
{
	struct evtchn *other = NULL;

	ASSERT_LOCKED(&d->evtchn_lock);
	BUG_ON(e->state < EVTCHN_CONSUMED_UNBOUND);
	if (e->state == EVTCHN_CONSUMED) {
		other = port_of(e->peer, e->remote_port);
		WRITE_ONCE(other->state, EVTCHN_UNBOUND);
	}
	/* Who has read before that it was bound finds it consumed still, or is done. */
	evtchn_wait_for_senders();
	publish(e, (struct evtchn){ .state = EVTCHN_FREE, .notify_vcpu = e->notify_vcpu });
	if (other)
		e->peer = other->peer = NULL;
	if (port < d->evtchn_first_free)
		d->evtchn_first_free = port;
}

void evtchn_consumed_close(struct domain *d, u32 port, struct domain *remote)
{
	spin_lock_pair(&d->evtchn_lock, &remote->evtchn_lock);
	close_locked(d, port_of(d, port), port);
	spin_unlock_pair(&d->evtchn_lock, &remote->evtchn_lock);
}

void evtchn_consumed_notify(struct domain *d, u32 port)
{
	u64 *mark = send_begin();
	struct evtchn *e = port_of(d, port), now = { .word = READ_ONCE(e->word) };

	if (now.state == EVTCHN_CONSUMED) {
		struct domain *rd = READ_ONCE(e->peer);

		evtchn_post(notified(rd, port_of(rd, now.remote_port)), now.remote_port);
	}
	send_end(mark);
}
