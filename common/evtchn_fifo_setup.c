/* SPDX-License-Identifier: MIT */
/*
 * FIFO event channels: from the two-level ABI and back, and what a domain gives them.
 */
#include <isola/evtchn_fifo.h>
#include "evtchn_2l.h"
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>

/* The first EVTCHN_2L_PORTS are all that can be open. Bounded by that. */
static u32 nr_open_bound(const struct domain *d)
{
	return min_t(u32, d->nr_evtchns, EVTCHN_2L_PORTS);
}

/* For @d, which does not know it yet; NULL: no memory. */
static struct evtchn_fifo *make(const struct domain *d)
{
	struct evtchn_fifo *f;

	/* public: FIFO event channels */
	f = public_alloc(sizeof(*f) + d->nr_vcpus * sizeof(f->vcpu[0]));
	if (!f)
		return NULL;
	spin_lock_init(&f->lock, LOCK_EVTCHN_FIFO);
	for (u32 port = 0; port < nr_open_bound(d); port++)
		if (evtchn_fifo_take_port(d, f, port)) {
			evtchn_fifo_free(f);
			return NULL;
		}
	return f;
}

/* What has been pending by the old words is so still, as soon as there are new ones. */
static void carry_over(struct domain *d, struct evtchn_fifo *f)
{
	for (u32 port = 1; port < nr_open_bound(d); port++)
		if (port_of(d, port)->state != EVTCHN_FREE && evtchn_2l_is_pending(d, port))
			f->ports[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE].pending =
				true;
}

static void set_control(struct evtchn_fifo *f, const struct vcpu *v, u64 maddr)
{
	__atomic_store_n(&f->vcpu[v->id].control, maddr, __ATOMIC_RELEASE);
}

int evtchn_fifo_control(struct vcpu *v, u64 maddr)
{
	struct domain *d = v->domain;
	struct evtchn_fifo *f = d->evtchn_fifo;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (f && f->vcpu[v->id].control)
		return -EINVAL;
	if (f) {
		set_control(f, v, maddr);
		return 0;
	}
	f = make(d);
	if (!f)
		return -ENOMEM;
	set_control(f, v, maddr);
	__atomic_store_n(&d->evtchn_fifo, f, __ATOMIC_RELEASE);
	evtchn_set_end(d);
	/* From now on nobody sets old words. */
	evtchn_wait_for_senders();
	carry_over(d, f);
	return 0;
}

int evtchn_fifo_may_expand(const struct domain *d)
{
	const struct evtchn_fifo *f = d->evtchn_fifo;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!f)
		return -EOPNOTSUPP;
	return f->nr_words == EVTCHN_FIFO_NR_CHANNELS ? -ENOSPC : 0;
}

/* At most FIFO_WORDS_PER_PAGE steps. */
int evtchn_fifo_expand(struct domain *d, mfn_t m)
{
	struct evtchn_fifo *f = d->evtchn_fifo;
	int rc = evtchn_fifo_may_expand(d);
	u32 from, port;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (rc)
		return rc;
	/* With the lock, or who has just not found the word would say so behind the look below. */
	spin_lock(&f->lock);
	from = f->nr_words;
	f->words[from / FIFO_WORDS_PER_PAGE] = m;
	__atomic_store_n(&f->nr_words, from + FIFO_WORDS_PER_PAGE, __ATOMIC_RELEASE);
	spin_unlock(&f->lock);
	for (port = from; port < min(f->nr_words, d->nr_evtchns); port++) {
		struct fifo_port *page = f->ports[port / FIFO_WORDS_PER_PAGE];

		if (page && page[port % FIFO_WORDS_PER_PAGE].pending)
			evtchn_fifo_deliver(f, notified(d, port_of(d, port)), port);
	}
	return 0;
}

long evtchn_set_priority(struct domain *d, void *arg)
{
	const struct evtchn_set_priority *op = arg;
	struct evtchn_fifo *f = d->evtchn_fifo;
	struct evtchn *e;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!guest_port(d, op->port, &e))
		return -EINVAL;
	if (!f)
		return -ENOSYS;
	if (op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -EINVAL;
	evtchn_fifo_prefer(f, op->port, op->priority);
	return 0;
}

struct evtchn_fifo *evtchn_fifo_stop(struct domain *d)
{
	struct evtchn_fifo *f = d->evtchn_fifo;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!f)
		return NULL;
	WRITE_ONCE(d->evtchn_fifo, NULL);
	evtchn_set_end(d);
	evtchn_wait_for_senders();
	return f;
}
