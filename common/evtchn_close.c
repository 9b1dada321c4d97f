/* SPDX-License-Identifier: MIT */
/*
 * The end of a port: closed by its domain, or with it.
 *
 * A port that is bound to another domain's ends under both locks, and so does what that one says of
 * this (EVT-3). So a port never names a domain that has none any more, and whoever holds the lock
 * of one end may take a reference on the other's domain (DOM-1).
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/evtchn_deliver.h>
#include <isola/evtchn_fifo.h>
#include <isola/virq_handler.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <asm/preempt.h>

/* @e closes: its other end is there for @d to bind again. Both locks held. */
static struct evtchn *unbind_peer(struct evtchn *e)
{
	struct evtchn *other = port_of(e->peer, e->remote_port);
	bool is_consumed = other->state == EVTCHN_CONSUMED;

	ASSERT_LOCKED(&e->peer->evtchn_lock);
	WRITE_ONCE(other->state, is_consumed ? EVTCHN_CONSUMED_UNBOUND : EVTCHN_UNBOUND);
	return other;
}

static void unbind_virq(struct domain *d, const struct evtchn *e)
{
	struct vcpu *v = d->vcpu[virq_is_per_vcpu(e->virq) ? e->notify_vcpu : 0];

	WRITE_ONCE(v->virq_port[e->virq], 0);
}

/* @d's lock held, and that of the other end's domain. */
static __always_inline long close_locked(struct domain *d, struct evtchn *e, u32 port)
{
	struct evtchn *other = NULL;

	ASSERT_LOCKED(&d->evtchn_lock);
	switch (e->state) {
	case EVTCHN_FREE:
	case EVTCHN_RESERVED:
	case EVTCHN_CONSUMED_UNBOUND:
	case EVTCHN_CONSUMED:
		return -EINVAL;
	case EVTCHN_OWN:
		if (!d->is_dying)
			return -EINVAL;
		break;
	case EVTCHN_INTERDOMAIN:
		other = unbind_peer(e);
		break;
	case EVTCHN_VIRQ:
		unbind_virq(d, e);
		break;
	case EVTCHN_PIRQ:
		/* Lines are the hardware domain's, which does not end before the machine. */
		ASSERT_OWNER_LOADED(d);
		pirq_unbind(d, e->pirq, port);
		break;
	}
	evtchn_release(d, e, port);
	if (other)
		e->peer = other->peer = NULL;   /* no sender has them in hand any more */
	return 0;
}

/* The other domain that has the other end of @e, one of @d's; NULL: none. Lock held. */
static struct domain *peer_of(const struct domain *d, const struct evtchn *e)
{
	ASSERT_LOCKED(&d->evtchn_lock);
	return e->state == EVTCHN_INTERDOMAIN && e->peer != d ? e->peer : NULL;
}

/*
 * @d's lock is held, and is given up for both. If @port has a third domain by then it was closed
 * in between, and closing it would have been refused.
 */
static __noinline long close_with_peer(struct domain *d, struct evtchn *e, u32 port,
				       struct domain *peer)
{
	struct domain *now;
	long rc = -EINVAL;

	get_knownalive_domain(peer);
	spin_unlock(&d->evtchn_lock);
	spin_lock_pair(&d->evtchn_lock, &peer->evtchn_lock);
	now = peer_of(d, e);
	if (!now || now == peer)
		rc = close_locked(d, e, port);
	spin_unlock_pair(&d->evtchn_lock, &peer->evtchn_lock);
	put_domain(peer);
	return rc;
}

long evtchn_close(struct domain *d, u32 port)
{
	struct domain *peer;
	struct evtchn *e;
	long rc;

	if (!guest_port(d, port, &e))
		return -EINVAL;
	spin_lock(&d->evtchn_lock);
	peer = peer_of(d, e);
	if (unlikely(peer))
		return close_with_peer(d, e, port, peer);
	rc = close_locked(d, e, port);
	spin_unlock(&d->evtchn_lock);
	return rc;
}

static bool is_open(const struct domain *d, u32 port)
{
	u8 state = READ_ONCE(port_of(d, port)->state);

	return state != EVTCHN_FREE && state != EVTCHN_RESERVED && state < EVTCHN_OWN;
}

#define RESET_BATCH 64                  /* ports between two looks at whether to stop */

/* Where to go on; 0: another reset is under way. */
static u32 begin_reset(struct domain *d, bool resuming)
{
	u32 port = 0;

	spin_lock(&d->evtchn_lock);
	if (resuming) {
		port = d->evtchn_reset_at;
	} else if (!d->evtchn_reset_at) {
		port = d->evtchn_reset_at = 1;
		d->evtchn_reset_disturbed = false;
		evtchn_set_end(d);
	}
	spin_unlock(&d->evtchn_lock);
	return port;
}

/* What others have opened behind our back is left. */
static int end_reset(struct domain *d, struct evtchn_fifo **fifo)
{
	int rc = 0;

	spin_lock(&d->evtchn_lock);
	d->evtchn_reset_at = 0;
	if (d->evtchn_reset_disturbed)
		rc = -EAGAIN;
	else
		*fifo = evtchn_fifo_stop(d);
	evtchn_set_end(d);
	spin_unlock(&d->evtchn_lock);
	return rc;
}

int evtchn_reset(struct domain *d, bool resuming, struct evtchn_fifo **fifo)
{
	u32 port = begin_reset(d, resuming);

	if (!port)
		return -EBUSY;
	for (; port < nr_ports(d); port++) {
		if (is_open(d, port))
			(void)evtchn_close(d, port);    /* or somebody else has */
		if (port % RESET_BATCH == 0 && hypercall_preempt_check()) {
			spin_lock(&d->evtchn_lock);
			d->evtchn_reset_at = port;
			spin_unlock(&d->evtchn_lock);
			return -ERESTART;
		}
	}
	return end_reset(d, fifo);
}

#define DESTROY_BATCH 64                /* ports between two looks at whether to stop */

int evtchn_destroy(struct domain *d)
{
	ASSERT(d->is_dying);
	if (!d->evtchns_destroyed) {
		/* Who has begun to open a port has the lock: it will be there, or never. */
		spin_lock(&d->evtchn_lock);
		d->evtchns_destroyed = d->nr_evtchns;
		evtchn_set_end(d);
		spin_unlock(&d->evtchn_lock);
	}
	while (d->evtchns_destroyed > 1) {
		u32 port = d->evtchns_destroyed - 1;

		BUG_ON(READ_ONCE(port_of(d, port)->state) != EVTCHN_FREE && evtchn_close(d, port));
		d->evtchns_destroyed = port;
		if (port % DESTROY_BATCH == 0 && hypercall_preempt_check())
			return -ERESTART;
	}
	clear_global_virq_handlers(d);
	return 0;
}
