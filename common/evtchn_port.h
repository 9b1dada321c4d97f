/* SPDX-License-Identifier: MIT */
/*
 * One port, found and written: what the files about event channels share.
 */
#pragma once

#include <isola/evtchn.h>
#include <isola/evtchn_deliver.h>
#include <isola/nospec.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

/* @port, which is below @nr, which is at most nr_evtchns; under speculation too. */
static __always_inline struct evtchn *port_at(const struct domain *d, u32 port, u32 nr)
{
	port = index_nospec(port, nr);
	return &d->evtchn_bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
}

/* A port that evtchn_take_port() has just given. */
static __always_inline struct evtchn *port_taken(const struct domain *d, u32 port)
{
	return &d->evtchn_bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
}

/* The same for a port that a guest's word has led to. */
static inline struct evtchn *port_of(const struct domain *d, u32 port)
{
	return port_at(d, port, d->nr_evtchns);
}

static inline u32 nr_ports(const struct domain *d)
{
	return __atomic_load_n(&d->nr_evtchns, __ATOMIC_ACQUIRE);
}

/* *@e: the port by the number that a guest gives. False: there is none. */
static __always_inline bool guest_port(const struct domain *d, u32 port, struct evtchn **e)
{
	u32 nr = nr_ports(d);

	if (unlikely(port >= nr))
		return false;
	*e = port_at(d, port, nr);
	return true;
}

/* What a sender may read at any time is written as a whole. */
static inline void publish(struct evtchn *e, struct evtchn now)
{
	WRITE_ONCE(e->word, now.word);
}

/*
 * The same for a port whose other end is one of @peer's: that is there before a sender can come to
 * look for it. @now says INTERDOMAIN or CONSUMED.
 */
static inline void publish_bound(struct evtchn *e, struct domain *peer, struct evtchn now)
{
	now.remote_domid = peer->domid;
	WRITE_ONCE(e->peer, peer);
	publish(e, now);
}

/* NULL: the domain is being made, and has none yet. */
static inline struct vcpu *notified(const struct domain *d, const struct evtchn *e)
{
	return d->vcpu[READ_ONCE(e->notify_vcpu)];
}

static inline bool virq_is_per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

/* Bring evtchn_end up to date: what it depends on has changed. evtchn_lock held. */
void evtchn_set_end(struct domain *d);

/*
 * evtchn_take_port() where that is not plain: when there is no free port below evtchn_end, as
 * there never is for a domain that uses FIFO, is being reset or dies. No port below @port is free.
 * At most EVTCHN_FIFO_PORTS steps.
 */
long evtchn_take_port_from(struct domain *d, u32 port, struct evtchn e);

/*
 * The lowest free port becomes @e; in FIFO the lowest that the guest has taken off its queue, as
 * far as can be seen, which it cannot if @d is not loaded. Returns its number, or -ENOSPC, -ENOMEM,
 * or -EINVAL if @d is dying, and nothing has changed but the bound. evtchn_lock held. At most
 * EVTCHN_2L_PORTS steps, and evtchn_take_port_from()'s.
 */
static inline long __must_check evtchn_take_port(struct domain *d, struct evtchn e)
{
	u32 port = d->evtchn_first_free;
	struct evtchn *free;

	ASSERT_LOCKED(&d->evtchn_lock);
	for (;; port++) {
		if (unlikely(port >= d->evtchn_end))
			return evtchn_take_port_from(d, port, e);
		free = port_of(d, port);
		if (free->state == EVTCHN_FREE)
			break;
	}
	d->evtchn_first_free = port + 1;
	publish(free, e);
	return port;
}

/*
 * @e, @port of @d: back to free, not pending, and no sender has it in hand. evtchn_lock held. Not
 * pending in memory only if @d is loaded: else @d is dying.
 */
static __always_inline void evtchn_release(struct domain *d, struct evtchn *e, u32 port)
{
	struct vcpu *v = notified(d, e);

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!d->evtchns_destroyed)
		ASSERT_OWNER_LOADED(d);
	/*
	 * First for who posts it, then for who has taken the post and delivers it. Who came from
	 * the other end still reads here whom to tell: the same as is cleaned up behind.
	 */
	publish(e, (struct evtchn){ .state = EVTCHN_FREE, .notify_vcpu = e->notify_vcpu });
	evtchn_wait_for_senders();
	/* If none is, one that was is in the hands of who has taken it. */
	if (likely(v) && unlikely(READ_ONCE(v->posted_any)))
		evtchn_unpost(v, port);
	evtchn_wait_for_senders();
	evtchn_clear_pending(d, port);
	if (port < d->evtchn_first_free)
		d->evtchn_first_free = port;
}
