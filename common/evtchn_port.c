/* SPDX-License-Identifier: MIT */
/*
 * The ports of a domain: which there are, taken and given back.
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
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

static void set_end(struct domain *d)
{
	d->evtchn_end = min_t(u64, d->nr_evtchns, d->max_evtchn_port + 1ul);
}

long evtchn_take_new_port(struct domain *d, u32 port, struct evtchn e)
{
	int rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!d->evtchn_end)
		return -EINVAL;         /* dying */
	d->evtchn_first_free = port;
	if (port > d->max_evtchn_port)
		return -ENOSPC;
	rc = grow(d);
	if (rc)
		return rc;
	set_end(d);
	d->evtchn_first_free = port + 1;
	publish(port_of(d, port), e);
	return port;
}

void evtchn_limit(struct domain *d, u32 max)
{
	spin_lock(&d->evtchn_lock);
	d->max_evtchn_port = max;
	set_end(d);
	spin_unlock(&d->evtchn_lock);
}

int evtchn_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	d->max_evtchn_port = EVTCHN_2L_PORTS - 1;
	spin_lock(&d->evtchn_lock);
	rc = grow(d);
	set_end(d);
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
