/* SPDX-License-Identifier: MIT */
/*
 * Events that the hypervisor itself raises: VIRQs, and interrupts of devices. Below the ports'
 * states (evtchn.c), from which it reads one number: which vcpu a port tells.
 */
#include <isola/evtchn.h>
#include <isola/evtchn_2l.h>
#include <isola/nospec.h>

static struct vcpu *notified(const struct domain *d, u32 port)
{
	const struct evtchn *e;

	port = index_nospec(port, d->nr_evtchns);
	e = &d->evtchn_bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
	return d->vcpu[READ_ONCE(e->notify_vcpu)];
}

void send_vcpu_virq(struct vcpu *v, u32 virq)
{
	u64 *mark = send_begin();
	u32 port = READ_ONCE(v->virq_port[virq]);

	if (port)
		evtchn_2l_post(v, port);
	send_end(mark);
}

void send_global_virq(struct domain *d, u32 virq)
{
	u64 *mark = send_begin();
	u32 port = READ_ONCE(d->vcpu[0]->virq_port[virq]);

	if (port)
		evtchn_2l_post(notified(d, port), port);
	send_end(mark);
}

/* gsi_lock stands for the marks: pirq_unbind() and pirq_move() take it. */
void send_pirq(struct domain *d, u32 port)
{
	evtchn_2l_post(notified(d, port), port);
}
