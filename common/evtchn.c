/* SPDX-License-Identifier: MIT */
/*
 * Event channels: the states of a domain's ports, and the operations that change them.
 *
 *   from \ by      alloc_unbound  bind_*      remote binds   remote closes  close (evtchn_close.c)
 *   FREE           UNBOUND        its state   -              -              refused
 *   UNBOUND        -              -           INTERDOMAIN    -              FREE
 *   INTERDOMAIN    -              -           refused        UNBOUND        FREE
 *   VIRQ,IPI,PIRQ  -              -           refused        -              FREE
 *   RESERVED       never leaves this state
 *   OWN            as RESERVED, but with its domain (evtchn_own.c)
 *   CONSUMED       the hypervisor's own, for device models (evtchn_consumed.c): as UNBOUND and
 *                  INTERDOMAIN for others; opened and closed by the hypervisor alone
 *
 * Invariants: states change under evtchn_lock; buckets are filled before nr_evtchns covers them and
 * stay until the domain goes (EVT-1). notify_vcpu names an existing vcpu. virq_port[] and the state
 * EVTCHN_VIRQ change together.
 *
 * Sending takes no lock: it reads the port's word once, between two marks of its CPU. So do raising
 * a VIRQ, and a vcpu that folds its own posts. Whoever takes away what a sender may have read (a
 * port that closes or moves, a vcpu_info's place) changes it first, then waits for the senders that
 * were inside, then cleans up (EVT-2). What they have posted may be in the hands of a fold by then:
 * the posts are taken, and who folds is waited for once more. Model: tests/models/send-close.pml.
 */
#include "evtchn_port.h"
#include <isola/errno.h>
#include <isola/evtchn_deliver.h>
#include <isola/lock_order.h>
#include <isola/privilege.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <xen/event_channel.h>

bool evtchn_port_is_valid(const struct domain *d, u32 port)
{
	return port < nr_ports(d);
}

/* Bound, it becomes what is next to that. */
static bool is_unbound(const struct evtchn *e)
{
	return likely(e->state == EVTCHN_UNBOUND) || e->state == EVTCHN_CONSUMED_UNBOUND;
}

static_assert(EVTCHN_INTERDOMAIN == EVTCHN_UNBOUND + 1 &&
	      EVTCHN_CONSUMED == EVTCHN_CONSUMED_UNBOUND + 1, "bound ports");

/* ---- Operations: @arg is our copy of the ABI's structure; evtchn_lock held. ----------------- */

long evtchn_alloc_unbound(struct domain *d, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	domid_t remote = op->remote_dom == DOMID_SELF ? current->domain->domid : op->remote_dom;
	int port;

	ASSERT_LOCKED(&d->evtchn_lock);
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_UNBOUND,
						    .remote_domid = remote });
	if (port < 0)
		return port;
	op->port = port;
	return 0;
}

long evtchn_bind_interdomain(struct domain *d, struct domain *rd, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	struct evtchn *remote, bound;
	long port;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_LOCKED(&rd->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!guest_port(rd, op->remote_port, &remote) || !is_unbound(remote) ||
	    remote->remote_domid != d->domid)
		return -EINVAL;
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_RESERVED });
	if (port < 0)
		return port;
	publish_bound(port_taken(d, port), rd, (struct evtchn){ .state = EVTCHN_INTERDOMAIN,
								.remote_port = op->remote_port });
	bound.word = remote->word;      /* its vcpu stays, and so does that we consume it */
	bound.state++;
	bound.remote_port = port;
	publish_bound(remote, d, bound);
	/* What was sent to the unbound end is lost: the new end looks once by itself. */
	evtchn_deliver(d->vcpu[0], port);
	op->local_port = port;
	return 0;
}

long evtchn_bind_virq(struct domain *d, void *arg)
{
	struct evtchn_bind_virq *op = arg;
	struct vcpu *v;
	int port;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (op->virq >= ARRAY_SIZE(v->virq_port) || (op->vcpu && !virq_is_per_vcpu(op->virq)))
		return -EINVAL;
	op->virq = index_nospec(op->virq, ARRAY_SIZE(v->virq_port));
	v = vcpu_by_id(d, op->vcpu);
	if (!v)
		return -ENOENT;
	if (v->virq_port[op->virq])
		return -EEXIST;
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_VIRQ, .notify_vcpu = v->id,
					     .virq = op->virq });
	if (port < 0)
		return port;
	WRITE_ONCE(v->virq_port[op->virq], port);
	op->port = port;
	return 0;
}

long evtchn_bind_ipi(struct domain *d, void *arg)
{
	struct evtchn_bind_ipi *op = arg;
	int port;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!vcpu_by_id(d, op->vcpu))
		return -ENOENT;
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_IPI, .notify_vcpu = op->vcpu });
	if (port < 0)
		return port;
	op->port = port;
	return 0;
}

/* The port is a PIRQ's before its first interrupt can come. */
long evtchn_bind_pirq(struct domain *d, void *arg)
{
	struct evtchn_bind_pirq *op = arg;
	int port, rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	port = evtchn_take_port(d, (struct evtchn){ .state = EVTCHN_PIRQ, .pirq = op->pirq });
	if (port < 0)
		return port;
	rc = pirq_bind(d, op->pirq, port, op->flags & BIND_PIRQ__WILL_SHARE, d->vcpu[0]->cpu);
	if (rc) {
		evtchn_release(d, port_of(d, port), port);
		return rc;
	}
	op->port = port;
	return 0;
}

long evtchn_status(struct domain *d, void *arg)
{
	struct evtchn_status *op = arg, out;
	struct evtchn *e;

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!guest_port(d, op->port, &e))
		return -EINVAL;
	memset(&out, 0, sizeof(out));
	out.dom = op->dom;
	out.port = op->port;
	out.vcpu = e->notify_vcpu;
	switch (e->state) {
	case EVTCHN_UNBOUND:
	case EVTCHN_CONSUMED_UNBOUND:
		out.status = EVTCHNSTAT_unbound;
		out.u.unbound.dom = e->remote_domid;
		break;
	case EVTCHN_INTERDOMAIN:
	case EVTCHN_CONSUMED:
		out.status = EVTCHNSTAT_interdomain;
		out.u.interdomain.dom = e->remote_domid;
		out.u.interdomain.port = e->remote_port;
		break;
	case EVTCHN_VIRQ:
		out.status = EVTCHNSTAT_virq;
		out.u.virq = e->virq;
		break;
	case EVTCHN_IPI:
		out.status = EVTCHNSTAT_ipi;
		break;
	case EVTCHN_PIRQ:
		out.status = EVTCHNSTAT_pirq;
		out.u.pirq = e->pirq;
		break;
	case EVTCHN_OWN:
		out.status = EVTCHNSTAT_interdomain;
		out.u.interdomain.dom = DOMID_XEN;
		break;
	default:
		out.status = EVTCHNSTAT_closed;
		break;
	}
	*op = out;
	return 0;
}

long evtchn_bind_vcpu(struct domain *d, void *arg)
{
	struct evtchn_bind_vcpu *op = arg;
	struct evtchn *e;
	struct vcpu *old, *new = vcpu_by_id(d, op->vcpu);

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!new)
		return -ENOENT;
	if (!guest_port(d, op->port, &e))
		return -EINVAL;
	if (e->state == EVTCHN_IPI || e->state == EVTCHN_FREE || e->state == EVTCHN_RESERVED ||
	    e->state >= EVTCHN_CONSUMED_UNBOUND ||
	    (e->state == EVTCHN_VIRQ && virq_is_per_vcpu(e->virq)))
		return -EINVAL;
	old = notified(d, e);
	WRITE_ONCE(e->notify_vcpu, new->id);
	/* By its lock it has seen the end of handlers that post for the old one. */
	if (e->state == EVTCHN_PIRQ)
		pirq_move(d, e->pirq, op->port, new->cpu);
	/*
	 * What was posted for the old one is pending before the call is over: first for who posts,
	 * then for the old one, which may have taken the post.
	 */
	evtchn_wait_for_senders();
	evtchn_fold_vcpu(old);
	evtchn_wait_for_senders();
	return 0;
}

long evtchn_unmask(struct domain *d, u32 port)
{
	struct evtchn *e;
	struct vcpu *v;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!guest_port(d, port, &e))
		return -EINVAL;
	v = notified(d, e);
	if (READ_ONCE(v->posted_any))
		evtchn_fold_vcpu(v);
	evtchn_clear_mask(v, port);
	return 0;
}

/* ---- For the rest of the hypervisor --------------------------------------------------------- */

void evtchn_fold_port(struct domain *d, u32 port)
{
	struct vcpu *v = notified(d, port_of(d, port));

	ASSERT_KERNEL_ROOT();
	if (!READ_ONCE(v->posted_any))
		return;
	spin_lock(&d->evtchn_lock);
	evtchn_fold_vcpu(v);
	spin_unlock(&d->evtchn_lock);
}
