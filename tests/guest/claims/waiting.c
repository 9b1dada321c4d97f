/* SPDX-License-Identifier: MIT */
/*
 * vCPUs that wait for a device model, which is this guest as dom0: paused, released, destroyed; and
 * what a hostile model can do to its domain, and to nobody else. Only on machines that have nested
 * paging.
 */
#define TOPIC "waiting"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../events.h"
#include "../memory.h"
#include "../model.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>

#define PORT	XEN_DMOP_IO_RANGE_PORT
#define MEMORY	XEN_DMOP_IO_RANGE_MEMORY
#define R	IOREQ_READ
#define W	IOREQ_WRITE

static struct server s;

/* ---- While one waits ------------------------------------------------------------------------- */

static domid_t waiting(void)
{
	domid_t d = model_domain(2);

	server_begin(&s, d, 2);
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x50f, true));
	post(0, DO_IN16, 0x502, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x502, 2, R);
	post(1, DO_NOTHING, 0, 7);
	CHECK_EQ(result(1), 7);
	CHECK(!is_done(0));
	return d;
}

CLAIM_DOM0(pausing, "while one waits for an answer another runs; a domain that is paused meanwhile "
	   "finds the answer when it goes on")
{
	domid_t d = waiting();

	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, d));
	answer(&s, 0, 0x1234);
	post(1, DO_NOTHING, 0, 8);
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, d));
	CHECK(!is_done(0) && !is_done(1));
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, d));
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, d));
	CHECK_EQ(result(0), 0x1234);
	CHECK_EQ(result(1), 8);
	/* Taken into work, and answered later. */
	post(0, DO_IN16, 0x504, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x504, 2, R);
	set_state(&s, 0, STATE_IOREQ_INPROCESS);
	post(1, DO_NOTHING, 0, 9);
	CHECK_EQ(result(1), 9);
	CHECK(!is_done(0));
	answer(&s, 0, 0x4321);
	CHECK_EQ(result(0), 0x4321);
	model_end(d);
}

/* For a test that looks at the machine from outside. */
static void dwell(void)
{
	print("# its pages are the model's alone\n");
	WAIT_FOR(false, 5000);
}

/* Xen's vCPU waits on, for good, if its server is destroyed; it is not woken. */
CLAIM_DOM0(released, "who waits for a server that is disabled or destroyed goes on, with ones")
{
	domid_t d;

	if (!on_isola)
		skip("a rule of Isola's own");
	d = waiting();
	CHECK_OK(server_enable(d, s.id, false));
	CHECK_EQ(result(0), 0xffff);
	CHECK_OK(server_enable(d, s.id, true));
	post(0, DO_IN16, 0x504, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x504, 2, R);
	CHECK_OK(server_destroy(d, s.id));
	if (option("dwell"))
		dwell();
	CHECK_EQ(result(0), 0xffff);
	post(0, DO_IN16, 0x504, 0);
	CHECK_EQ(result(0), 0xffff);
	model_end(d);
}

CLAIM_DOM0(destroyed, "a domain whose vCPU waits is destroyed, and its memory comes back, but what "
	   "the model still maps")
{
	uint64_t before = 0;

	for (unsigned int i = 0; i < 4; i++) {
		domid_t d = waiting();

		destroy(d);
		memory_reset();
		CHECK(becomes(is_gone, d));
		if (i == 1)
			before = free_pages();
	}
	CHECK(becomes(are_free, before));
}

CLAIM_DOM0(begun_anew, "who begins anew while it waits is not given the answer")
{
	domid_t d;

	if (!on_isola)
		skip("a rule of Isola's own");
	d = waiting();
	model_restart(d, 2);
	answer(&s, 0, 0x1234);
	/* It has not done what it was told, and begins with it. */
	expect(&s, 0, IOREQ_TYPE_PIO, 0x502, 2, R);
	CHECK(!is_done(0));
	answer(&s, 0, 0x4321);
	CHECK_EQ(result(0), 0x4321);
	model_end(d);
}

CLAIM_DOM0(its_ports, "a domain can neither send by its servers' ports, nor close or move them; "
	   "that the model closes its ends and opens them again is no matter")
{
	domid_t d = waiting();
	uint32_t port = s.slot[1].vp_eport;

	CHECK(port);
	post(1, DO_EVENT, EVTCHNOP_send, port);
	CHECK_ERR(result(1), XEN_EINVAL);
	post(1, DO_EVENT, EVTCHNOP_close, port);
	CHECK_ERR(result(1), XEN_EINVAL);
	post(1, DO_EVENT, EVTCHNOP_bind_vcpu, port);
	CHECK_ERR(result(1), XEN_EINVAL);
	CHECK_ERR(port_bind_interdomain(d, s.slot[0].vp_eport), XEN_EINVAL);
	CHECK_OK(port_close((uint32_t)s.port[0]));
	s.port[0] = port_bind_interdomain(d, s.slot[0].vp_eport);
	CHECK_SAY(s.port[0] > 0, "bind: %d", s.port[0]);
	answer(&s, 0, 0x1234);
	CHECK_EQ(result(0), 0x1234);
	model_end(d);
}

/* ---- Hostile models -------------------------------------------------------------------------- */

static bool has_crashed(domid_t d)
{
	return is_there(d) && domctl_op.u.getdomaininfo.flags & XEN_DOMINF_shutdown &&
	       (domctl_op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift &
		XEN_DOMINF_shutdownmask) == SHUTDOWN_crash;
}

CLAIM_DOM0(no_state, "a state that there is none of ends the domain, and nothing else")
{
	domid_t d = waiting();

	set_state(&s, 0, 9);
	CHECK(YIELD_FOR(has_crashed(d)));
	model_end(d);
}

/* Xen forgets what it has seen when its vCPU sleeps. */
CLAIM_DOM0(backwards, "so does one that goes back")
{
	domid_t d;

	if (!on_isola)
		skip("a rule of Isola's own");
	d = waiting();
	/* Each until it has been seen, or so. */
	for (unsigned int i = 0; i < 100 && !has_crashed(d); i++) {
		set_state(&s, 0, i % 2 ? STATE_IOREQ_READY : STATE_IOREQ_INPROCESS);
		for (unsigned int k = 0; k < 20; k++)
			HC2(sched_op, SCHEDOP_yield, 0);
	}
	CHECK(YIELD_FOR(has_crashed(d)));
	model_end(d);
}

CLAIM_DOM0(rewritten, "what a model writes into a request beside state and data makes no "
	   "difference")
{
	domid_t d = waiting();
	volatile struct ioreq *r = &s.slot[0];

	r->size = 8;
	r->type = IOREQ_TYPE_INVALIDATE;
	r->count = ~0u;
	r->addr = ~0ul;
	r->dir = W;
	r->data_is_ptr = 1;
	answer(&s, 0, 0x77abcd1234);
	CHECK_EQ(result(0), 0x1234);
	r->data_is_ptr = 0;
	post(0, DO_IN8, 0x505, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x505, 1, R);
	CHECK_EQ(r->count, 1);
	answer(&s, 0, 0x99);
	CHECK_EQ(result(0), 0x99);
	if (!on_isola)
		goto out;	/* which does not ask a model that has changed its port's number */
	r->vp_eport = ~0u;
	r->state = STATE_IOREQ_INPROCESS;
	post(0, DO_IN8, 0x505, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x505, 1, R);
	answer(&s, 0, 0x98);
	CHECK_EQ(result(0), 0x98);
out:
	model_end(d);
}

static uint64_t seed;

static uint64_t some(uint64_t below)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % below;
}

/* A word of one of its pages becomes anything; a slot's state mostly one that there is. */
static void spoil(volatile void *page)
{
	volatile uint64_t *word = page;
	uint64_t at = some(2) ? some(8) : some(PAGE_BYTES / 8), val = some(1ul << 31);

	val |= some(1ul << 31) << 32;
	if (at % 4 == 3 && some(8))
		val = (val & ~(15ul << 48)) | some(4) << 48;
	word[at] = some(3) ? val : some(600);
	HC2(event_channel_op, EVTCHNOP_send, &s.port[some(2)]);
}

static void do_something(unsigned int vcpu)
{
	static const enum model_op ops[] = { DO_IN16, DO_OUT8, DO_IN32, DO_OUT32 };
	static const enum model_op movs[] = { DO_STORE8, DO_STORE64, DO_LOAD16, DO_STORE32 };

	if (some(4) == 0)
		post(vcpu, DO_GIVE, MODEL_SPARE + some(512), 0);
	else if (some(2))
		post(vcpu, ops[some(4)], 0x500 + some(8), seed);
	else
		post(vcpu, movs[some(4)], 0xa0000 + some(0x100), seed);
}

CLAIM_DOM0(garbage, "whatever a model writes into its pages, its domain alone can come to an end "
	   "by it")
{
	uint64_t end = clock_ns() + 4000 * MS_NS;

	for (seed = 1; clock_ns() < end && seed;) {
		domid_t d = model_domain(2);
		volatile void *ring;

		server_begin_with(&s, d, 2, HVM_IOREQSRV_BUFIOREQ_LEGACY + some(2));
		ring = server_page(d, s.id, 0, 3);
		CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x50f, true));
		CHECK_OK(server_range(d, s.id, MEMORY, 0xa0000, 0xbffff, true));
		for (unsigned int i = 0; i < 400 && !has_crashed(d); i++) {
			for (unsigned int v = 0; v < 2; v++)
				if (is_done(v))
					do_something(v);
			spoil(some(3) ? s.slot : ring);
			if (some(3) == 0)
				HC2(sched_op, SCHEDOP_yield, 0);
			if (some(50) == 0)
				CHECK_OK(server_enable(d, s.id, some(2)));
		}
		model_end(d);
	}
	/* And the next works. */
	model_end(waiting());
}
