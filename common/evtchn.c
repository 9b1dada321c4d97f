/* SPDX-License-Identifier: MIT */
/*
 * Event channels: the states of a domain's ports, and the operations that change them.
 *
 *   from \ by      alloc_unbound  bind_*      remote binds   remote closes  close
 *   FREE           UNBOUND        its state   -              -              refused
 *   UNBOUND        -              -           INTERDOMAIN    -              FREE
 *   INTERDOMAIN    -              -           refused        UNBOUND        FREE
 *   VIRQ,IPI,PIRQ  -              -           refused        -              FREE
 *   RESERVED       never leaves this state
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
#include <isola/evtchn.h>
#include <isola/console.h>
#include <isola/errno.h>
#include <isola/evtchn_2l.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <xen/event_channel.h>

/* @port is below nr_evtchns. */
static struct evtchn *port_of(const struct domain *d, u32 port)
{
	port = index_nospec(port, d->nr_evtchns);
	return &d->evtchn_bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
}

bool evtchn_port_is_valid(const struct domain *d, u32 port)
{
	return port < __atomic_load_n(&d->nr_evtchns, __ATOMIC_ACQUIRE);
}

/* What a sender may read at any time is written as a whole. */
static void publish(struct evtchn *e, struct evtchn now)
{
	WRITE_ONCE(e->word, now.word);
}

static struct vcpu *notified(const struct domain *d, const struct evtchn *e)
{
	return d->vcpu[READ_ONCE(e->notify_vcpu)];
}

static struct vcpu *vcpu_by_id(const struct domain *d, u32 id)
{
	return id < d->nr_vcpus ? d->vcpu[index_nospec(id, d->nr_vcpus)] : NULL;
}

static bool virq_is_per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

/* One bucket more. Lock held. */
static int grow(struct domain *d)
{
	unsigned nr = d->nr_evtchns / EVTCHNS_PER_BUCKET;
	struct evtchn *bucket;

	if (nr == ARRAY_SIZE(d->evtchn_bucket))
		return -ENOSPC;
	bucket = public_alloc(EVTCHNS_PER_BUCKET * sizeof(*bucket)); /* public: event buckets */
	if (!bucket)
		return -ENOMEM;
	d->evtchn_bucket[nr] = bucket;
	__atomic_store_n(&d->nr_evtchns, d->nr_evtchns + EVTCHNS_PER_BUCKET, __ATOMIC_RELEASE);
	return 0;
}

/*
 * The lowest free port, or -ENOSPC or -ENOMEM. Nothing changes but the bound. Lock held. At most
 * EVTCHN_2L_PORTS steps.
 */
static int find_free(struct domain *d)
{
	u32 port = d->evtchn_first_free;
	int rc;

	while (port < d->nr_evtchns && port_of(d, port)->state != EVTCHN_FREE)
		port++;
	d->evtchn_first_free = port;
	if (port < d->nr_evtchns)
		return port;
	rc = grow(d);
	return rc ? rc : (int)port;
}

/* Take a free port for @state, telling vcpu @notify. Returns its number or an error. Lock held. */
static int take_port(struct domain *d, enum evtchn_state state, u32 notify)
{
	int port = find_free(d);

	if (port >= 0)
		publish(port_of(d, port),
			(struct evtchn){ .state = state, .notify_vcpu = notify });
	return port;
}

/* Bounded: a sender runs to its end, whatever interrupts it. */
void evtchn_wait_for_senders(void)
{
	smp_mb();               /* the change, then the marks */
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		u64 mark = __atomic_load_n(&cpu_public[cpu].send_mark, __ATOMIC_ACQUIRE);

		while (mark % 2 &&
		       __atomic_load_n(&cpu_public[cpu].send_mark, __ATOMIC_ACQUIRE) == mark)
			cpu_relax();
	}
}

/* Back to free, not pending. Lock held. */
static void release_port(struct domain *d, u32 port)
{
	struct evtchn *e = port_of(d, port);
	struct vcpu *v = notified(d, e);

	/* First for who posts it, then for who has taken the post and delivers it. */
	publish(e, (struct evtchn){ .state = EVTCHN_FREE });
	evtchn_wait_for_senders();
	evtchn_2l_unpost(v, port);
	evtchn_wait_for_senders();
	evtchn_2l_clear(v, port);
	d->evtchn_first_free = min(d->evtchn_first_free, port);
}

/* ---- Operations: @arg is our copy of the ABI's structure; evtchn_lock held. ----------------- */

long evtchn_alloc_unbound(struct domain *d, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	int port;

	if (domain_by_id(op->dom) != d)
		return -ESRCH;
	port = take_port(d, EVTCHN_UNBOUND, 0);
	if (port < 0)
		return port;
	port_of(d, port)->remote_domid = op->remote_dom == DOMID_SELF ? d->domid : op->remote_dom;
	op->port = port;
	return 0;
}

/* Only within one domain: there is no other in this release. */
long evtchn_bind_interdomain(struct domain *d, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	struct evtchn *remote, *local;
	int port;

	if (domain_by_id(op->remote_dom) != d)
		return -ESRCH;
	if (!evtchn_port_is_valid(d, op->remote_port))
		return -EINVAL;
	remote = port_of(d, op->remote_port);
	if (remote->state != EVTCHN_UNBOUND || remote->remote_domid != d->domid)
		return -EINVAL;
	port = take_port(d, EVTCHN_UNBOUND, 0);
	if (port < 0)
		return port;
	local = port_of(d, port);
	publish(local, (struct evtchn){ .state = EVTCHN_INTERDOMAIN, .remote_domid = d->domid,
					.remote_port = op->remote_port });
	publish(remote, (struct evtchn){ .state = EVTCHN_INTERDOMAIN,
					 .notify_vcpu = remote->notify_vcpu,
					 .remote_domid = d->domid, .remote_port = port });
	/* What was sent to the unbound end is lost: the new end looks once by itself. */
	evtchn_2l_send(notified(d, local), port);
	op->local_port = port;
	return 0;
}

long evtchn_bind_virq(struct domain *d, void *arg)
{
	struct evtchn_bind_virq *op = arg;
	struct vcpu *v;
	int port;

	if (op->virq >= ARRAY_SIZE(v->virq_port) || (op->vcpu && !virq_is_per_vcpu(op->virq)))
		return -EINVAL;
	op->virq = index_nospec(op->virq, ARRAY_SIZE(v->virq_port));
	v = vcpu_by_id(d, op->vcpu);
	if (!v)
		return -ENOENT;
	if (v->virq_port[op->virq])
		return -EEXIST;
	port = take_port(d, EVTCHN_VIRQ, v->id);
	if (port < 0)
		return port;
	port_of(d, port)->virq = op->virq;
	WRITE_ONCE(v->virq_port[op->virq], port);
	if (op->virq == VIRQ_CONSOLE && d->is_privileged)
		console_watch_input();
	op->port = port;
	return 0;
}

long evtchn_bind_ipi(struct domain *d, void *arg)
{
	struct evtchn_bind_ipi *op = arg;
	int port;

	if (!vcpu_by_id(d, op->vcpu))
		return -ENOENT;
	port = take_port(d, EVTCHN_IPI, op->vcpu);
	if (port < 0)
		return port;
	op->port = port;
	return 0;
}

/* The port is a PIRQ's before its first interrupt can come. */
long evtchn_bind_pirq(struct domain *d, void *arg)
{
	struct evtchn_bind_pirq *op = arg;
	int port = take_port(d, EVTCHN_PIRQ, 0), rc;

	if (port < 0)
		return port;
	port_of(d, port)->pirq = op->pirq;
	rc = pirq_bind(d, op->pirq, port, op->flags & BIND_PIRQ__WILL_SHARE, d->vcpu[0]->cpu);
	if (rc) {
		release_port(d, port);
		return rc;
	}
	op->port = port;
	return 0;
}

static long close_port(struct domain *d, u32 port)
{
	struct evtchn *e = port_of(d, port);
	struct vcpu *v;

	switch (e->state) {
	case EVTCHN_FREE:
	case EVTCHN_RESERVED:
		return -EINVAL;
	case EVTCHN_INTERDOMAIN:
		WRITE_ONCE(port_of(d, e->remote_port)->state, EVTCHN_UNBOUND);
		break;
	case EVTCHN_VIRQ:
		v = d->vcpu[virq_is_per_vcpu(e->virq) ? e->notify_vcpu : 0];
		WRITE_ONCE(v->virq_port[e->virq], 0);
		break;
	case EVTCHN_PIRQ:
		pirq_unbind(d, e->pirq, port);
		break;
	}
	release_port(d, port);
	return 0;
}

long evtchn_close(struct domain *d, void *arg)
{
	struct evtchn_close *op = arg;

	return evtchn_port_is_valid(d, op->port) ? close_port(d, op->port) : -EINVAL;
}

long evtchn_status(struct domain *d, void *arg)
{
	struct evtchn_status *op = arg, out;
	const struct evtchn *e;

	if (domain_by_id(op->dom) != d)
		return -ESRCH;
	if (!evtchn_port_is_valid(d, op->port))
		return -EINVAL;
	e = port_of(d, op->port);
	memset(&out, 0, sizeof(out));
	out.dom = op->dom;
	out.port = op->port;
	out.vcpu = e->notify_vcpu;
	switch (e->state) {
	case EVTCHN_UNBOUND:
		out.status = EVTCHNSTAT_unbound;
		out.u.unbound.dom = e->remote_domid;
		break;
	case EVTCHN_INTERDOMAIN:
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

	if (!new)
		return -ENOENT;
	if (!evtchn_port_is_valid(d, op->port))
		return -EINVAL;
	e = port_of(d, op->port);
	if (e->state == EVTCHN_IPI || e->state == EVTCHN_FREE || e->state == EVTCHN_RESERVED ||
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
	evtchn_2l_fold(old);
	evtchn_wait_for_senders();
	return 0;
}

long evtchn_unmask(struct domain *d, void *arg)
{
	struct evtchn_unmask *op = arg;
	struct vcpu *v;

	if (!evtchn_port_is_valid(d, op->port))
		return -EINVAL;
	v = notified(d, port_of(d, op->port));
	evtchn_2l_fold(v);
	evtchn_2l_unmask(v, op->port);
	return 0;
}

unsigned evtchn_close_some(struct domain *d, unsigned max)
{
	unsigned closed = 0;

	spin_lock(&d->evtchn_lock);
	for (u32 port = 1; port < d->nr_evtchns && closed < max; port++)
		if (!close_port(d, port))
			closed++;
	spin_unlock(&d->evtchn_lock);
	return closed;
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* @e: what the port says. Between the marks. */
static __always_inline long send_by(struct domain *d, u32 port, struct evtchn e)
{
	if (likely(e.state == EVTCHN_IPI)) {
		evtchn_2l_deliver(d->vcpu[e.notify_vcpu], port);
		return 0;
	}
	if (e.state == EVTCHN_INTERDOMAIN) {
		evtchn_2l_deliver(notified(d, port_of(d, e.remote_port)), e.remote_port);
		return 0;
	}
	return e.state == EVTCHN_UNBOUND ? 0 : -EINVAL;
}

long evtchn_send(struct domain *d, u32 port)
{
	u64 *mark;
	long rc;

	if (unlikely(!evtchn_port_is_valid(d, port)))
		return -EINVAL;
	mark = send_begin();
	rc = send_by(d, port, (struct evtchn){ .word = READ_ONCE(port_of(d, port)->word) });
	send_end(mark);
	return rc;
}

/* ---- For the rest of the hypervisor --------------------------------------------------------- */

void evtchn_fold_port(struct domain *d, u32 port)
{
	struct vcpu *v = notified(d, port_of(d, port));

	if (!READ_ONCE(v->posted_any))
		return;
	spin_lock(&d->evtchn_lock);
	evtchn_2l_fold(v);
	spin_unlock(&d->evtchn_lock);
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
		evtchn_2l_post(notified(d, port_of(d, port)), port);
	send_end(mark);
}

/* gsi_lock stands for the marks: pirq_unbind() and pirq_move() take it. */
void send_pirq(struct domain *d, u32 port)
{
	evtchn_2l_post(notified(d, port_of(d, port)), port);
}

int evtchn_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	rc = grow(d);
	if (rc)
		return rc;
	port_of(d, 0)->state = EVTCHN_RESERVED;
	d->evtchn_first_free = 1;
	return 0;
}
