/* SPDX-License-Identifier: MIT */
/*
 * Event channels between domains, by hypercalls of three of them in turn, which are made and end at
 * any time: every answer, every port's state and every pending bit is compared with a model. Only
 * the loaded domain's memory can be touched.
 *
 * Flags: -Itests/unit/events/include -include isola/errno.h
 * Sources: tests/unit/ports/sim.c common/evtchn.c common/evtchn_port.c common/evtchn_send.c
 * Sources: common/evtchn_close.c common/evtchn_deliver.c common/evtchn_raise.c
 * Sources: common/evtchn_upcall.c common/evtchn_fifo.c common/evtchn_fifo_setup.c
 * Sources: common/virq_handler.c
 * Sources: common/domain_list.c common/domain_ref.c common/base/spinlock.c common/lib/bitmap.c
 * Sources: arch/x86/calls/evtchn_op.c
 */
#include "ports/sim.h"
#include "tap.h"

#include <string.h>
#include <asm/hypercall.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/evtchn_deliver.h>
#include <isola/virq_handler.h>
#include <xen/event_channel.h>

#define NR	3			/* domains 0, 1, 2 */
#define NOBODY	77
#define PORTS	128			/* that the model keeps account of */
#define NR_OPS	60000

/* ---- The model ------------------------------------------------------------------------------ */

struct port {
	enum evtchn_state state;
	int remote;			/* domid */
	u32 remote_port, vcpu, virq;
	bool pending;
};

static struct model {
	struct domain *d;		/* NULL: there is none of this number */
	struct port port[PORTS];
} model[NR];
static int handler[NR_VIRQS];		/* domid; -1: the hardware domain */
static int me;				/* whose call it is */

static u32 lowest_free(struct model *m)
{
	u32 port = 1;

	while (m->port[port].state != EVTCHN_FREE)
		port++;
	return port;
}

static struct port *valid(struct model *m, u32 port)
{
	return port < m->d->nr_evtchns ? &m->port[port] : NULL;
}

static struct model *named(int domid)
{
	if (domid == DOMID_SELF)
		return &model[me];
	return domid < NR && model[domid].d ? &model[domid] : NULL;
}

/* Who may be meant by a call about a target: NULL, and the answer. */
static struct model *target(int domid, long *answer)
{
	*answer = me && domid != DOMID_SELF && domid != me ? -EPERM : -ESRCH;
	return *answer == -EPERM ? NULL : named(domid);
}

static void model_close(struct model *m, u32 port)
{
	struct port *p = &m->port[port];

	if (p->state == EVTCHN_INTERDOMAIN) {
		struct port *other = &model[p->remote].port[p->remote_port];

		other->state = EVTCHN_UNBOUND;
		other->remote = m - model;
	}
	*p = (struct port){ .state = EVTCHN_FREE };
}

static bool model_is_open(const struct port *p)
{
	return p->state != EVTCHN_FREE && p->state != EVTCHN_RESERVED;
}

static void model_close_all(struct model *m)
{
	for (u32 port = 1; port < PORTS; port++)
		if (model_is_open(&m->port[port]))
			model_close(m, port);
}

/* ---- Calls, each compared ------------------------------------------------------------------- */

static const char *doing;

static void answer_is(long rc, long expected)
{
	check(rc == expected, "d%d: %s: %ld, expected %ld", me, doing, rc, expected);
}

static long call(u32 cmd, void *op)
{
	return hc_event_channel_op(cmd, (u64)op);
}

static int any_domid(void)
{
	static const int domids[] = { DOMID_SELF, DOMID_SELF, 0, 1, 2, 0, 1, 2, NOBODY, DOMID_IO };

	return domids[tap_random() % ARRAY_SIZE(domids)];
}

static u32 any_port(void)
{
	return tap_random() % 64 ? tap_random() % 24 : tap_random();
}

static void op_alloc_unbound(void)
{
	struct evtchn_alloc_unbound op = { .dom = any_domid(), .remote_dom = any_domid() };
	long expected, rc = call(EVTCHNOP_alloc_unbound, &op);
	struct model *m = target(op.dom, &expected);
	u32 port;

	doing = "alloc_unbound";
	answer_is(rc, m ? 0 : expected);
	if (!m)
		return;
	port = lowest_free(m);
	check(op.port == port, "port %u, expected %u", op.port, port);
	m->port[port].state = EVTCHN_UNBOUND;
	m->port[port].remote = op.remote_dom == DOMID_SELF ? me : op.remote_dom;
}

static void op_bind_interdomain(void)
{
	struct evtchn_bind_interdomain op = { .remote_dom = any_domid(),
					      .remote_port = any_port() };
	long rc = call(EVTCHNOP_bind_interdomain, &op);
	struct model *m = &model[me], *rm = named(op.remote_dom);
	struct port *r = rm ? valid(rm, op.remote_port) : NULL;
	u32 port;

	doing = "bind_interdomain";
	if (!r || r->state != EVTCHN_UNBOUND || r->remote != me) {
		answer_is(rc, rm ? -EINVAL : -ESRCH);
		return;
	}
	answer_is(rc, 0);
	port = lowest_free(m);
	check(op.local_port == port, "port %u, expected %u", op.local_port, port);
	m->port[port] = (struct port){ EVTCHN_INTERDOMAIN, rm - model, op.remote_port, 0, 0, true };
	r->state = EVTCHN_INTERDOMAIN;
	r->remote_port = port;
}

static void op_bind_ipi(void)
{
	struct evtchn_bind_ipi op = { .vcpu = tap_random() % (NR_SIM_VCPUS + 1) };
	long rc = call(EVTCHNOP_bind_ipi, &op);

	doing = "bind_ipi";
	answer_is(rc, op.vcpu < NR_SIM_VCPUS ? 0 : -ENOENT);
	if (!rc)
		model[me].port[op.port] = (struct port){ .state = EVTCHN_IPI, .vcpu = op.vcpu };
}

static u32 virq_port(struct model *m, u32 virq)
{
	for (u32 port = 1; port < PORTS; port++)
		if (m->port[port].state == EVTCHN_VIRQ && m->port[port].virq == virq)
			return port;
	return 0;
}

static void op_bind_virq(void)
{
	static const u32 virqs[] = { VIRQ_DOM_EXC, VIRQ_CONSOLE, VIRQ_CON_RING };
	struct evtchn_bind_virq op = { .virq = virqs[tap_random() % 3] };
	bool is_bound = virq_port(&model[me], op.virq);
	long rc = call(EVTCHNOP_bind_virq, &op);

	doing = "bind_virq";
	answer_is(rc, is_bound ? -EEXIST : 0);
	if (!rc)
		model[me].port[op.port] = (struct port){ .state = EVTCHN_VIRQ, .virq = op.virq };
}

static void op_bind_vcpu(void)
{
	struct evtchn_bind_vcpu op = { .port = any_port(),
				       .vcpu = tap_random() % (NR_SIM_VCPUS + 1) };
	struct port *p = valid(&model[me], op.port);
	long rc = call(EVTCHNOP_bind_vcpu, &op);

	doing = "bind_vcpu";
	if (op.vcpu >= NR_SIM_VCPUS) {
		answer_is(rc, -ENOENT);
		return;
	}
	answer_is(rc, p && model_is_open(p) && p->state != EVTCHN_IPI ? 0 : -EINVAL);
	if (!rc)
		p->vcpu = op.vcpu;
}

static void op_send(void)
{
	struct evtchn_send op = { .port = any_port() };
	struct port *p = valid(&model[me], op.port);
	long rc = call(EVTCHNOP_send, &op);
	bool sends = p && (p->state == EVTCHN_UNBOUND || p->state == EVTCHN_INTERDOMAIN ||
			   p->state == EVTCHN_IPI);

	doing = "send";
	answer_is(rc, sends ? 0 : -EINVAL);
	if (sends && p->state == EVTCHN_INTERDOMAIN)
		model[p->remote].port[p->remote_port].pending = true;
	if (sends && p->state == EVTCHN_IPI)
		p->pending = true;
}

static void op_close(void)
{
	struct evtchn_close op = { .port = any_port() };
	struct port *p = valid(&model[me], op.port);
	long rc = call(EVTCHNOP_close, &op);

	doing = "close";
	answer_is(rc, p && model_is_open(p) ? 0 : -EINVAL);
	if (!rc)
		model_close(&model[me], op.port);
}

static u32 status_of(enum evtchn_state state)
{
	static const u32 status[] = {
		[EVTCHN_FREE] = EVTCHNSTAT_closed, [EVTCHN_RESERVED] = EVTCHNSTAT_closed,
		[EVTCHN_UNBOUND] = EVTCHNSTAT_unbound,
		[EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain, [EVTCHN_VIRQ] = EVTCHNSTAT_virq,
		[EVTCHN_IPI] = EVTCHNSTAT_ipi,
	};

	return status[state];
}

static void op_status(void)
{
	struct evtchn_status op = { .dom = any_domid(), .port = any_port() };
	long expected, rc = call(EVTCHNOP_status, &op);
	struct model *m = target(op.dom, &expected);
	const struct port *p = m ? valid(m, op.port) : NULL;

	doing = "status";
	answer_is(rc, !m ? expected : p ? 0 : -EINVAL);
	if (rc || !p)
		return;
	check(op.status == status_of(p->state), "status %u in state %u", op.status, p->state);
	if (p->state == EVTCHN_UNBOUND)
		check(op.u.unbound.dom == p->remote, "who may bind");
	if (p->state == EVTCHN_INTERDOMAIN)
		check(op.u.interdomain.dom == p->remote &&
		      op.u.interdomain.port == p->remote_port, "where the other end is");
	if (model_is_open(p))
		check(op.vcpu == p->vcpu, "vcpu %u, expected %u", op.vcpu, p->vcpu);
}

static void op_reset(void)
{
	struct evtchn_reset op = { .dom = any_domid() };
	struct model *m;
	long expected, rc;

	if (tap_random() % 16)
		return;
	do {
		sim_continued = false;
		rc = call(EVTCHNOP_reset, &op);
	} while (sim_continued);
	m = target(op.dom, &expected);
	doing = "reset";
	answer_is(rc, !m ? expected : m == &model[me] ? 0 : -EINVAL);
	if (!rc)
		model_close_all(m);
}

/* ---- What the hypervisor does ---------------------------------------------------------------- */

static void op_raise(void)
{
	static const u32 virqs[] = { VIRQ_DOM_EXC, VIRQ_CONSOLE, VIRQ_CON_RING };
	u32 virq = virqs[tap_random() % 3], port;
	struct model *m = &model[handler[virq] < 0 ? 0 : handler[virq]];

	raise_global_virq(virq);
	port = m->d ? virq_port(m, virq) : 0;
	if (port)
		m->port[port].pending = true;
}

static void op_set_handler(void)
{
	static const u32 virqs[] = { VIRQ_DOM_EXC, VIRQ_CONSOLE, VIRQ_TIMER, VIRQ_DEBUG, NR_VIRQS };
	u32 virq = virqs[tap_random() % 5];
	int domid = tap_random() % NR;
	int rc;

	if (!model[domid].d || tap_random() % 8)
		return;
	rc = set_global_virq_handler(model[domid].d, virq);
	doing = "set_global_virq_handler";
	answer_is(rc, virq == VIRQ_DOM_EXC || virq == VIRQ_CONSOLE ? 0 : -EINVAL);
	if (!rc)
		handler[virq] = domid;
}

static void make(int domid)
{
	struct model *m = &model[domid];

	memset(m, 0, sizeof(*m));
	m->d = sim_create(domid);
	check(m->d, "domain %d can be made", domid);
	m->port[0].state = EVTCHN_RESERVED;
}

/* By pieces, while the others go on with what they have of it. */
static void kill(int domid)
{
	struct domain *d = model[domid].d;
	unsigned ended = sim_ended;

	sim_load(NULL, 0);
	get_knownalive_domain(d);
	domain_kill(d);
	doing = "after death";
	for (;;) {
		bool done = !evtchn_destroy(d);

		spin_lock(&d->evtchn_lock);
		answer_is(evtchn_alloc_unbound(d, &(struct evtchn_alloc_unbound){ 0 }), -EINVAL);
		spin_unlock(&d->evtchn_lock);
		answer_is(set_global_virq_handler(d, VIRQ_CON_RING), -EINVAL);
		if (done)
			break;
	}
	model_close_all(&model[domid]);
	for (u32 virq = 0; virq < NR_VIRQS; virq++)
		if (handler[virq] == domid)
			handler[virq] = -1;
	model[domid].d = NULL;
	put_domain(d);
	check(sim_ended == ended + 1, "nothing holds domain %d any more", domid);
}

static void op_life(void)
{
	int domid = 1 + tap_random() % (NR - 1);

	if (tap_random() % 16)
		return;
	if (model[domid].d)
		kill(domid);
	else
		make(domid);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* What is posted for any vcpu of @m arrives; then it looks. */
static void look(struct model *m)
{
	struct shared_info *s;

	for (unsigned v = 0; v < NR_SIM_VCPUS; v++) {
		sim_load(m->d, v);
		evtchn_fold();
	}
	s = window_ptr(m->d->shared_info_mfn);
	for (u32 port = 0; port < PORTS; port++) {
		bool pending = bitmap_test(s->evtchn_pending, port);

		check(pending == m->port[port].pending, "port %u of domain %u is pending: %u", port,
		      m->d->domid, pending);
		if (tap_random() % 2) {
			atomic_bitmap_clear(s->evtchn_pending, port);
			m->port[port].pending = false;
		}
	}
}

/* Both ends of each channel say the same. */
static void compare_states(void)
{
	for (int domid = 0; domid < NR; domid++)
		for (u32 port = 0; model[domid].d && port < model[domid].d->nr_evtchns; port++) {
			const struct port *p = &model[domid].port[port];
			const struct evtchn *e =
				&model[domid].d->evtchn_bucket[port / 64][port % 64];

			check(e->state == p->state, "d%d port %u: state %u, expected %u", domid,
			      port, e->state, p->state);
			if (e->state == EVTCHN_INTERDOMAIN)
				check(e->peer == model[p->remote].d &&
				      e->remote_port == p->remote_port, "d%d port %u: its end",
				      domid, port);
			else
				check(!e->peer, "d%d port %u: no other end", domid, port);
		}
}

static void (*const ops[])(void) = {
	op_alloc_unbound, op_alloc_unbound, op_bind_interdomain, op_bind_interdomain,
	op_bind_interdomain, op_bind_ipi, op_bind_virq, op_bind_vcpu, op_send, op_send, op_send,
	op_close, op_close, op_close, op_status, op_reset, op_raise, op_set_handler, op_life,
};

static void random_ops(void)
{
	unsigned nr = NR_OPS / (getenv("FUZZ_DIVISOR") ? atoi(getenv("FUZZ_DIVISOR")) : 1);

	memset(handler, -1, sizeof(handler));
	for (int domid = 0; domid < NR; domid++)
		make(domid);
	sim_preempt_odds = 3;
	for (unsigned i = 0; i < nr && tap_unchecked < 10; i++) {
		do
			me = tap_random() % NR;
		while (!model[me].d);
		sim_load(model[me].d, tap_random() % NR_SIM_VCPUS);
		ops[tap_random() % ARRAY_SIZE(ops)]();
		if (i % 4 == 0)
			compare_states();
		if (tap_random() % 4 == 0 && model[me].d)
			look(&model[me]);
	}
	for (int domid = NR - 1; domid >= 0; domid--)
		if (model[domid].d)
			kill(domid);
	all_ok("three domains: answers, states and pending bits are those of the model");
}

int main(void)
{
	sim_init();
	random_ops();
	return done();
}
