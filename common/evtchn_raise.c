/* SPDX-License-Identifier: MIT */
/*
 * Events that the hypervisor itself raises: VIRQs, and interrupts of devices. Below the ports'
 * states (evtchn.c), from which it reads one number: which vcpu a port tells.
 */
#include <isola/evtchn.h>
#include <isola/evtchn_deliver.h>
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
		evtchn_post(v, port);
	send_end(mark);
}

/* Between the marks. A domain that has no vcpu yet has bound nothing. */
static void post_global(struct domain *d, u32 virq)
{
	struct vcpu *v = __atomic_load_n(&d->vcpu[0], __ATOMIC_ACQUIRE);
	u32 port = v ? READ_ONCE(v->virq_port[virq]) : 0;

	if (port)
		evtchn_post(notified(d, port), port);
}

void send_global_virq(struct domain *d, u32 virq)
{
	u64 *mark = send_begin();

	post_global(d, virq);
	send_end(mark);
}

/* ---- Those of the machine ------------------------------------------------------------------- */

/*
 * Whom a global VIRQ is raised for; NULL: the hardware domain. Each with a reference (DOM-1); read
 * between the marks, and given back by who has taken it out and waited for the senders.
 */
static struct domain *handler[NR_VIRQS];

void raise_global_virq(u32 virq)
{
	u64 *mark = send_begin();
	struct domain *d = READ_ONCE(handler[virq]);

	if (!d)
		d = READ_ONCE(dom0);
	if (d)
		post_global(d, virq);
	send_end(mark);
}

struct domain *virq_handler_set(u32 virq, struct domain *d)
{
	struct domain *was;

	virq = index_nospec(virq, NR_VIRQS);
	was = __atomic_exchange_n(&handler[virq], d, __ATOMIC_SEQ_CST);
	evtchn_wait_for_senders();
	return was;
}

bool virq_handler_clear(u32 virq, struct domain *d)
{
	bool was_it;

	virq = index_nospec(virq, NR_VIRQS);
	was_it = __atomic_compare_exchange_n(&handler[virq], &d, NULL, false, __ATOMIC_SEQ_CST,
					     __ATOMIC_RELAXED);
	evtchn_wait_for_senders();
	return was_it;
}

/* gsi_lock stands for the marks: pirq_unbind() and pirq_move() take it. */
u32 send_pirq(struct domain *d, u32 port)
{
	struct vcpu *v = notified(d, port);

	evtchn_post(v, port);
	return READ_ONCE(v->cpu);
}
