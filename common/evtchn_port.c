/* SPDX-License-Identifier: MIT */
/*
 * The ports of a domain: which there are, taken and given back.
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/evtchn_fifo.h>
#include <isola/page_alloc.h>
#include <isola/lib/string.h>
#include <asm/precondition.h>

/* A table with room for all ports that FIFO can have. Who has the old one still may use that. */
static int widen(struct domain *d)
{
	/* public: event buckets */
	struct evtchn **all = public_alloc(EVTCHN_FIFO_PORTS / EVTCHNS_PER_BUCKET * sizeof(*all));

	if (!all)
		return -ENOMEM;
	memcpy(all, d->evtchn_bucket_2l, sizeof(d->evtchn_bucket_2l));
	__atomic_store_n(&d->evtchn_bucket, all, __ATOMIC_RELEASE);
	return 0;
}

/* What ports need beyond the first EVTCHN_2L_PORTS, before bucket @nr is there. */
static int grow_beyond_2l(struct domain *d, unsigned nr)
{
	unsigned part = nr * EVTCHNS_PER_BUCKET / EVTCHN_2L_PORTS - 1;

	if (d->evtchn_bucket == d->evtchn_bucket_2l && widen(d))
		return -ENOMEM;
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		u64 **posted = &d->vcpu[i]->posted_more[part];

		if (*posted)
			continue;
		*posted = public_alloc(POST_WORDS * sizeof(**posted)); /* public: posts */
		if (!*posted)
			return -ENOMEM;
	}
	return 0;
}

/* How many ports its ABI can have. */
static u32 abi_ports(const struct domain *d)
{
	return d->evtchn_fifo ? EVTCHN_FIFO_PORTS : EVTCHN_2L_PORTS;
}

/* One bucket more. Lock held. */
static __noinline int grow(struct domain *d)
{
	unsigned nr = d->nr_evtchns / EVTCHNS_PER_BUCKET;
	struct evtchn *bucket;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (d->nr_evtchns >= abi_ports(d))
		return -ENOSPC;
	if (d->nr_evtchns >= EVTCHN_2L_PORTS && grow_beyond_2l(d, nr))
		return -ENOMEM;
	bucket = public_alloc(EVTCHNS_PER_BUCKET * sizeof(*bucket)); /* public: event buckets */
	if (!bucket)
		return -ENOMEM;
	d->evtchn_bucket[nr] = bucket;
	__atomic_store_n(&d->nr_evtchns, d->nr_evtchns + EVTCHNS_PER_BUCKET, __ATOMIC_RELEASE);
	return 0;
}

/* There may be no port from here on. */
static u32 port_limit(const struct domain *d)
{
	return min_t(u64, abi_ports(d), d->max_evtchn_port + 1ul);
}

void evtchn_set_end(struct domain *d)
{
	bool is_plain = !d->evtchn_fifo && !d->evtchn_reset_at && !d->evtchns_destroyed;

	ASSERT_LOCKED(&d->evtchn_lock);
	d->evtchn_end = is_plain ? min(d->nr_evtchns, port_limit(d)) : 0;
}

/*
 * The first port from @port on that may be had; none is there: the one behind them. *@linked: the
 * first that is free and may not, or what it was.
 */
static u32 find_free(const struct domain *d, u32 port, u32 *linked)
{
	u32 end = min(d->nr_evtchns, port_limit(d));

	for (; port < end; port++) {
		if (port_of(d, port)->state != EVTCHN_FREE)
			continue;
		if (!evtchn_is_linked(d, port))
			break;
		*linked = *linked ? *linked : port;
	}
	return port;
}

/* @port is to be had: it is there, and what FIFO needs of it. */
static int provide(struct domain *d, u32 port)
{
	int rc = 0;

	if (port >= port_limit(d))
		return -ENOSPC;
	if (port >= d->nr_evtchns)
		rc = grow(d);
	if (rc)
		return rc;
	evtchn_set_end(d);
	return d->evtchn_fifo ? evtchn_fifo_take_port(d, d->evtchn_fifo, port) : 0;
}

long evtchn_take_port_from(struct domain *d, u32 port, struct evtchn e)
{
	u32 linked = 0;
	int rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (d->evtchns_destroyed)
		return -EINVAL;         /* dying */
	port = find_free(d, port, &linked);
	d->evtchn_first_free = linked ? linked : port;
	rc = provide(d, port);
	if (rc)
		return rc;
	if (d->evtchn_reset_at)
		d->evtchn_reset_disturbed = true;
	publish(port_of(d, port), e);
	d->evtchn_first_free = linked ? linked : port + 1;
	return port;
}

void evtchn_limit(struct domain *d, u32 max)
{
	spin_lock(&d->evtchn_lock);
	d->max_evtchn_port = max;
	evtchn_set_end(d);
	spin_unlock(&d->evtchn_lock);
}

int evtchn_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	d->max_evtchn_port = EVTCHN_FIFO_PORTS - 1;
	d->evtchn_bucket = d->evtchn_bucket_2l;
	spin_lock(&d->evtchn_lock);
	rc = grow(d);
	evtchn_set_end(d);
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
	if (d->evtchn_bucket != d->evtchn_bucket_2l)
		public_free(d->evtchn_bucket);
	if (d->evtchn_fifo)
		evtchn_fifo_free(d->evtchn_fifo);
}
