/* SPDX-License-Identifier: MIT */
/*
 * The ports of a domain: which there are, taken and given back.
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/evtchn_2l.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <asm/loaded.h>
#include <asm/precondition.h>

/* One bucket more. Lock held. */
static __noinline int grow(struct domain *d)
{
	unsigned nr = d->nr_evtchns / EVTCHNS_PER_BUCKET;
	struct evtchn *bucket;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (nr == ARRAY_SIZE(d->evtchn_bucket))
		return -ENOSPC;
	bucket = public_alloc(EVTCHNS_PER_BUCKET * sizeof(*bucket)); /* public: event buckets */
	if (!bucket)
		return -ENOMEM;
	d->evtchn_bucket[nr] = bucket;
	__atomic_store_n(&d->nr_evtchns, d->nr_evtchns + EVTCHNS_PER_BUCKET, __ATOMIC_RELEASE);
	return 0;
}

/* All ports are taken: the first of a new bucket. Lock held. */
static __noinline long take_new_port(struct domain *d, struct evtchn e)
{
	u32 port = d->nr_evtchns;
	int rc = grow(d);

	if (rc)
		return rc;
	publish(port_of(d, port), e);
	return port;
}

/* At most EVTCHN_2L_PORTS steps. */
long evtchn_take_port(struct domain *d, struct evtchn e)
{
	u32 port = d->evtchn_first_free;
	struct evtchn *free;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (unlikely(READ_ONCE(d->is_dying)))
		return -EINVAL;
	for (;; port++) {
		if (unlikely(port > d->max_evtchn_port))
			return -ENOSPC;
		if (unlikely(port == d->nr_evtchns)) {
			d->evtchn_first_free = port;
			return take_new_port(d, e);
		}
		free = port_of(d, port);
		if (free->state == EVTCHN_FREE)
			break;
	}
	d->evtchn_first_free = port + 1;
	publish(free, e);
	return port;
}

void evtchn_release(struct domain *d, u32 port)
{
	struct evtchn *e = port_of(d, port);
	struct vcpu *v = notified(d, e);

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!READ_ONCE(d->is_dying))
		ASSERT_OWNER_LOADED(d);
	/*
	 * First for who posts it, then for who has taken the post and delivers it. Who came from
	 * the other end still reads here whom to tell: the same as is cleaned up behind.
	 */
	publish(e, (struct evtchn){ .state = EVTCHN_FREE, .notify_vcpu = v->id });
	evtchn_wait_for_senders();
	evtchn_2l_unpost(v, port);
	evtchn_wait_for_senders();
	evtchn_2l_clear(v, port);
	e->peer = NULL;
	if (port < d->evtchn_first_free)
		d->evtchn_first_free = port;
}

int evtchn_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	d->max_evtchn_port = EVTCHN_2L_PORTS - 1;
	spin_lock(&d->evtchn_lock);
	rc = grow(d);
	spin_unlock(&d->evtchn_lock);
	if (rc)
		return rc;
	port_of(d, 0)->state = EVTCHN_RESERVED;
	d->evtchn_first_free = 1;
	return 0;
}

void evtchn_domain_destroy(struct domain *d)
{
	for (u32 port = 1; port < d->nr_evtchns; port++)
		ASSERT(port_of(d, port)->state == EVTCHN_FREE);
	while (d->nr_evtchns) {
		d->nr_evtchns -= EVTCHNS_PER_BUCKET;
		public_free(d->evtchn_bucket[d->nr_evtchns / EVTCHNS_PER_BUCKET]);
	}
}
