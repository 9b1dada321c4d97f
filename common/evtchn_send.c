/* SPDX-License-Identifier: MIT */
/*
 * EVTCHNOP_send: no lock, one look at the port's word, between the marks (evtchn.c).
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/evtchn_deliver.h>
#include <isola/sched.h>
#include <asm/loaded.h>

/*
 * To the other end of @e, which said that its port was @rport. Between the marks: that end, and its
 * domain, stay what they are, or free, as long as these stand.
 */
static __always_inline void send_to_peer(struct domain *d, const struct evtchn *e, u32 rport)
{
	struct domain *rd = READ_ONCE(e->peer);
	struct evtchn *other = port_of(rd, rport);
	struct vcpu *v = notified(rd, other);

	if (rd == d)
		evtchn_deliver(v, rport);
	else if (unlikely(READ_ONCE(other->state) >= EVTCHN_CONSUMED_UNBOUND))
		vcpu_answered(v);
	else if (likely(v))             /* being made: nobody is there to be told */
		evtchn_deliver_or_post(v, rport);
}

/* Between the marks. */
static __always_inline long send_by(struct domain *d, u32 port, const struct evtchn *e)
{
	struct evtchn now = { .word = READ_ONCE(e->word) };

	if (likely(now.state == EVTCHN_IPI)) {
		evtchn_deliver(d->vcpu[now.notify_vcpu], port);
		return 0;
	}
	if (now.state == EVTCHN_INTERDOMAIN) {
		send_to_peer(d, e, now.remote_port);
		return 0;
	}
	return now.state == EVTCHN_UNBOUND ? 0 : -EINVAL;
}

/* Not between the marks: it may take a while. */
static __noinline long send_own(struct domain *d, const struct evtchn *e)
{
	return READ_ONCE(e->state) == EVTCHN_OWN ? console_ring_sent(d) : -EINVAL;
}

long evtchn_send(struct domain *d, u32 port)
{
	struct evtchn *e;
	u64 *mark;
	long rc;

	ASSERT_KERNEL_ROOT();
	if (unlikely(!guest_port(d, port, &e)))
		return -EINVAL;
	mark = send_begin();
	rc = send_by(d, port, e);
	send_end(mark);
	return likely(!rc) ? 0 : send_own(d, e);
}
