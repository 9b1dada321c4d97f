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
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/evtchn_2l.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/loaded.h>
#include <asm/precondition.h>
#include <xen/event_channel.h>

/* @port, which is below @nr, which is at most nr_evtchns; under speculation too. */
static __always_inline struct evtchn *port_at(const struct domain *d, u32 port, u32 nr)
{
	port = index_nospec(port, nr);
	return &d->evtchn_bucket[port / EVTCHNS_PER_BUCKET][port % EVTCHNS_PER_BUCKET];
}

/* The same for a port that a guest's word has led to. */
static struct evtchn *port_of(const struct domain *d, u32 port)
{
	return port_at(d, port, d->nr_evtchns);
}

static u32 nr_ports(const struct domain *d)
{
	return __atomic_load_n(&d->nr_evtchns, __ATOMIC_ACQUIRE);
}

bool evtchn_port_is_valid(const struct domain *d, u32 port)
{
	return port < nr_ports(d);
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

/* Does @domid mean @d, whose own call this is? */
static bool is_own(const struct domain *d, domid_t domid)
{
	return domid == DOMID_SELF || domid == d->domid;
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

/*
 * The lowest free port becomes @e. Returns its number, or -ENOSPC or -ENOMEM, and nothing has
 * changed but the bound. Lock held. At most EVTCHN_2L_PORTS steps.
 */
static long take_port(struct domain *d, struct evtchn e)
{
	u32 port = d->evtchn_first_free;
	struct evtchn *free;

	ASSERT_LOCKED(&d->evtchn_lock);
	for (;; port++) {
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

/* Back to free, not pending. Lock held. */
static void release_port(struct domain *d, struct evtchn *e, u32 port)
{
	struct vcpu *v = notified(d, e);

	ASSERT_LOCKED(&d->evtchn_lock);
	/* First for who posts it, then for who has taken the post and delivers it. */
	publish(e, (struct evtchn){ .state = EVTCHN_FREE });
	evtchn_wait_for_senders();
	evtchn_2l_unpost(v, port);
	evtchn_wait_for_senders();
	evtchn_2l_clear(v, port);
	if (port < d->evtchn_first_free)
		d->evtchn_first_free = port;
}

/* ---- Operations: @arg is our copy of the ABI's structure; evtchn_lock held. ----------------- */

long evtchn_alloc_unbound(struct domain *d, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	int port;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!is_own(d, op->dom))
		return refuse_other(MAY_evtchn_alloc_unbound, op->dom);
	port = take_port(d, (struct evtchn){ .state = EVTCHN_UNBOUND,
					     .remote_domid = op->remote_dom == DOMID_SELF
								     ? d->domid
								     : op->remote_dom });
	if (port < 0)
		return port;
	op->port = port;
	return 0;
}

/* Only within one domain: there is no other in this release. */
long evtchn_bind_interdomain(struct domain *d, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	struct evtchn *remote;
	long port;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!is_own(d, op->remote_dom))
		return refuse_other(MAY_evtchn_bind_interdomain, op->remote_dom);
	if (!guest_port(d, op->remote_port, &remote) || remote->state != EVTCHN_UNBOUND ||
	    remote->remote_domid != d->domid)
		return -EINVAL;
	port = take_port(d, (struct evtchn){ .state = EVTCHN_INTERDOMAIN, .remote_domid = d->domid,
					     .remote_port = op->remote_port });
	if (port < 0)
		return port;
	publish(remote, (struct evtchn){ .state = EVTCHN_INTERDOMAIN,
					 .notify_vcpu = remote->notify_vcpu,
					 .remote_domid = d->domid, .remote_port = port });
	/* What was sent to the unbound end is lost: the new end looks once by itself. */
	evtchn_2l_deliver(d->vcpu[0], port);
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
	port = take_port(d, (struct evtchn){ .state = EVTCHN_VIRQ, .notify_vcpu = v->id,
					     .virq = op->virq });
	if (port < 0)
		return port;
	WRITE_ONCE(v->virq_port[op->virq], port);
	if (op->virq == VIRQ_CONSOLE && is_hardware_domain(d))
		console_watch_input();
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
	port = take_port(d, (struct evtchn){ .state = EVTCHN_IPI, .notify_vcpu = op->vcpu });
	if (port < 0)
		return port;
	op->port = port;
	return 0;
}

/* The port is a PIRQ's before its first interrupt can come. */
long evtchn_bind_pirq(struct domain *d, void *arg)
{
	struct evtchn_bind_pirq *op = arg;
	int port = take_port(d, (struct evtchn){ .state = EVTCHN_PIRQ, .pirq = op->pirq }), rc;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (port < 0)
		return port;
	rc = pirq_bind(d, op->pirq, port, op->flags & BIND_PIRQ__WILL_SHARE, d->vcpu[0]->cpu);
	if (rc) {
		release_port(d, port_of(d, port), port);
		return rc;
	}
	op->port = port;
	return 0;
}

long evtchn_close(struct domain *d, u32 port)
{
	struct evtchn *e;
	struct vcpu *v;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!guest_port(d, port, &e))
		return -EINVAL;
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
	release_port(d, e, port);
	return 0;
}

long evtchn_status(struct domain *d, void *arg)
{
	struct evtchn_status *op = arg, out;
	struct evtchn *e;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!is_own(d, op->dom))
		return refuse_other(MAY_evtchn_status, op->dom);
	if (!guest_port(d, op->port, &e))
		return -EINVAL;
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

	ASSERT_LOCKED(&d->evtchn_lock);
	if (!new)
		return -ENOENT;
	if (!guest_port(d, op->port, &e))
		return -EINVAL;
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

long evtchn_unmask(struct domain *d, u32 port)
{
	struct evtchn *e;
	struct vcpu *v;

	ASSERT_LOCKED(&d->evtchn_lock);
	ASSERT_OWNER_LOADED(d);
	if (!guest_port(d, port, &e))
		return -EINVAL;
	v = notified(d, e);
	evtchn_2l_fold(v);
	evtchn_2l_unmask(v, port);
	return 0;
}

unsigned evtchn_close_some(struct domain *d, unsigned max)
{
	unsigned closed = 0;

	spin_lock(&d->evtchn_lock);
	for (u32 port = 1; port < d->nr_evtchns && closed < max; port++)
		if (!evtchn_close(d, port))
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
	struct evtchn *e;
	u64 *mark;
	long rc;

	ASSERT_KERNEL_ROOT();
	if (unlikely(!guest_port(d, port, &e)))
		return -EINVAL;
	mark = send_begin();
	rc = send_by(d, port, (struct evtchn){ .word = READ_ONCE(e->word) });
	send_end(mark);
	return rc;
}

/* ---- For the rest of the hypervisor --------------------------------------------------------- */

void evtchn_fold_port(struct domain *d, u32 port)
{
	struct vcpu *v = notified(d, port_of(d, port));

	ASSERT_KERNEL_ROOT();
	if (!READ_ONCE(v->posted_any))
		return;
	spin_lock(&d->evtchn_lock);
	evtchn_2l_fold(v);
	spin_unlock(&d->evtchn_lock);
}

int evtchn_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
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
