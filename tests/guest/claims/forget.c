/* SPDX-License-Identifier: MIT */
/*
 * When a page leaves a domain its device models are told to forget what they remember of it, before
 * a vCPU of the domain runs on: this guest, as dom0, is the model (model.c). Only on machines that
 * have nested paging.
 */
#define TOPIC "forget"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../memory.h"
#include "../model.h"
#include <xen/hvm/dm_op.h>
#include <xen/memory.h>

#define PORT	XEN_DMOP_IO_RANGE_PORT
#define R	IOREQ_READ
#define W	IOREQ_WRITE

static struct server s, t;

/* Answer what is asked of @m; how many were told to forget. */
static unsigned int serve(const struct server *m)
{
	unsigned int told = 0;

	for (unsigned int i = 0; i < MODEL_VCPUS; i++)
		if (has_request(m, i)) {
			told += m->slot[i].type == IOREQ_TYPE_INVALIDATE;
			mailbox(i)->count++;
			answer(m, i, 0);
		}
	return told;
}

static bool served(const struct server *m, unsigned int vcpu)
{
	serve(m);
	return is_done(vcpu);
}

CLAIM_DOM0(told, "when a domain gives a page back each of its servers is told to forget, and the "
	   "call is over when all have answered")
{
	domid_t d = model_domain(1);

	server_begin(&s, d, 2);
	server_begin(&t, d, 3);
	post(0, DO_GIVE, MODEL_SPARE + 5, 0);
	expect(&s, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	CHECK_EQ(s.slot[0].data, ~0ul);
	if (on_isola) {		/* one after another on Xen */
		expect(&t, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
		CHECK(map_foreign(0, MODEL_SPARE + 5, PTE_RW_PAGE, d) < 0);
	}
	CHECK(!is_done(0));
	answer(&s, 0, 0);
	expect(&t, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	CHECK(!is_done(0));
	answer(&t, 0, 0);
	CHECK_EQ(result(0), 1);
	/* Once for one call: the next request is another. */
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x50f, true));
	post(0, DO_IN8, 0x500, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x500, 1, R);
	answer(&s, 0, 1);
	CHECK_EQ(result(0), 1);
	CHECK_OK(server_enable(d, t.id, false));
	post(0, DO_GIVE, MODEL_SPARE + 6, 0);
	CHECK(YIELD_FOR(served(&s, 0)));
	CHECK(!has_request(&t, 0));
	model_end(d);
}

CLAIM_DOM0(covered, "so it is when a domain puts something else where a page was")
{
	domid_t d;

	if (!on_isola)
		skip("Xen tells models of decrease_reservation alone");
	d = model_domain(1);
	server_begin(&s, d, 2);
	post(0, DO_COVER, MODEL_SPARE + 5, 0);
	expect(&s, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	CHECK(!is_done(0));
	answer(&s, 0, 0);
	CHECK_EQ(result(0), 0);
	model_end(d);
}

#define GIVEN 30u

static bool both_served(void)
{
	serve(&s);
	return is_done(0) && is_done(1);
}

CLAIM_DOM0(two_give, "two vCPUs give pages back at once: no call of either is over before the "
	   "model has been told since it began")
{
	domid_t d = model_domain(2);

	server_begin(&s, d, 2);
	CHECK(s.port[1] > 0);
	post(0, DO_GIVE_ALL, MODEL_SPARE, GIVEN);
	post(1, DO_GIVE_ALL, MODEL_SPARE + 256, GIVEN);
	CHECK(YIELD_FOR_MS(both_served(), 10000));
	CHECK_EQ(mailbox(0)->result, GIVEN);
	CHECK_EQ(mailbox(1)->result, GIVEN);
	CHECK_EQ(mailbox(0)->missed, 0);
	CHECK_EQ(mailbox(1)->missed, 0);
	CHECK(mailbox(0)->count >= GIVEN && mailbox(1)->count >= GIVEN);
	model_end(d);
}

/* Serve both, until each has been asked once more, or is done. */
static bool asked_since(const uint64_t *count)
{
	serve(&s);
	return mailbox(0)->count > count[0] && mailbox(1)->count > count[1];
}

CLAIM_DOM0(all_take, "the same, while another takes pages, too: each vCPU is asked to tell the "
	   "model of each page that it took")
{
	struct xen_memory_reservation r = { .nr_extents = 1 };
	uint64_t gfn;
	domid_t d;

	if (!on_isola)
		skip("Xen tells models of the domain's own calls alone");
	d = model_domain(2);
	server_begin(&s, d, 2);
	r.domid = d;
	r.extent_start.p = (xen_pfn_t *)&gfn;
	post(0, DO_GIVE_ALL, MODEL_SPARE, GIVEN);
	post(1, DO_GIVE_ALL, MODEL_SPARE + 256, GIVEN);
	for (unsigned int i = 0; i < GIVEN; i++) {
		uint64_t count[2];

		gfn = MODEL_SPARE + GIVEN + i;
		CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
		count[0] = mailbox(0)->count;
		count[1] = mailbox(1)->count;
		CHECK(YIELD_FOR(asked_since(count)));
	}
	CHECK(YIELD_FOR_MS(both_served(), 10000));
	CHECK_EQ(mailbox(0)->result, GIVEN);
	CHECK_EQ(mailbox(1)->result, GIVEN);
	CHECK_EQ(mailbox(0)->missed, 0);
	CHECK_EQ(mailbox(1)->missed, 0);
	model_end(d);
}

static bool runs(unsigned int vcpu)
{
	post(vcpu, DO_NOTHING, 0, 0);
	return YIELD_FOR(is_done(vcpu));
}

/* As far as can be seen in some time. */
static bool rests(unsigned int vcpu)
{
	post(vcpu, DO_NOTHING, 0, 0);
	return !YIELD_FOR_MS(is_done(vcpu), 50);
}

CLAIM_DOM0(others_take, "when another takes a page of a domain's, none of its vCPUs runs on before "
	   "its servers have been told to forget")
{
	struct xen_memory_reservation r = { .nr_extents = 1 };
	uint64_t gfn = MODEL_SPARE + 9;
	domid_t d;

	if (!on_isola)
		skip("Xen tells models of the domain's own calls alone");
	d = model_domain(2);
	server_begin(&s, d, 2);
	CHECK(runs(0) && runs(1));
	r.domid = d;
	r.extent_start.p = (xen_pfn_t *)&gfn;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
	CHECK(rests(0) && rests(1));
	for (unsigned int i = 0; i < 2; i++) {
		expect(&s, i, IOREQ_TYPE_INVALIDATE, 0, 4, W);
		answer(&s, i, 0);
		CHECK(YIELD_FOR(is_done(i)));
	}
	/* And what one of them gives: the other is not to run with it gone, either. */
	post(0, DO_GIVE, MODEL_SPARE + 10, 0);
	expect(&s, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	CHECK(rests(1));
	expect(&s, 1, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	answer(&s, 1, 0);
	CHECK(YIELD_FOR(is_done(1)));
	CHECK(!is_done(0));
	answer(&s, 0, 0);
	CHECK_EQ(result(0), 1);
	/* While one waits for another answer: that comes first. */
	CHECK_OK(server_range(d, s.id, PORT, 0x500, 0x50f, true));
	post(0, DO_IN8, 0x500, 0);
	expect(&s, 0, IOREQ_TYPE_PIO, 0x500, 1, R);
	gfn = MODEL_SPARE + 11;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
	answer(&s, 0, 0x55);
	expect(&s, 0, IOREQ_TYPE_INVALIDATE, 0, 4, W);
	CHECK(!is_done(0));
	answer(&s, 0, 0);
	CHECK_EQ(result(0), 0x55);
	model_end(d);
}
