/* SPDX-License-Identifier: MIT */
/*
 * Event channels between domains, claim by claim. Only the loaded domain's memory can be touched.
 *
 * Flags: -Itests/unit/events/include -include isola/errno.h
 * Sources: tests/unit/ports/sim.c common/evtchn.c common/evtchn_port.c common/evtchn_send.c
 * Sources: common/evtchn_close.c common/evtchn_deliver.c common/evtchn_raise.c
 * Sources: common/evtchn_upcall.c common/evtchn_fifo.c common/evtchn_fifo_setup.c
 * Sources: common/virq_handler.c
 * Sources: common/evtchn_own.c
 * Sources: common/domain_list.c common/domain_ref.c common/base/spinlock.c common/lib/bitmap.c
 * Sources: arch/x86/calls/evtchn_op.c
 */
#include "ports/sim.h"
#include "tap.h"

#include <string.h>
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/evtchn_fifo.h>
#include <isola/lib/bitmap.h>
#include <xen/event_channel.h>

#define NOBODY	77

static long call(u32 cmd, void *op)
{
	return hc_event_channel_op(cmd, (u64)op);
}

/* An event for who sleeps wakes it, and lies in public memory until it is loaded. */
static void wakes(void)
{
	struct domain *a = sim_create(1), *b = sim_create(2);
	u32 theirs = sim_unbound(b, 1), ours = sim_bound(a, 2, theirs);
	struct evtchn_send op = { .port = ours };
	unsigned before = sim_wakes[1];

	check(theirs && ours, "a channel");
	sim_load(a, 0);
	check(!call(EVTCHNOP_send, &op) && sim_wakes[1] == before + 1, "a wake");
	check(!call(EVTCHNOP_send, &op) && sim_wakes[1] == before + 1, "one is enough");
	check(b->vcpu[0]->event_check && bitmap_test(b->vcpu[0]->posted, theirs), "a post");
	sim_load(b, 0);
	evtchn_fold();
	check(evtchn_is_pending(theirs) && !b->vcpu[0]->posted_any, "pending once it is loaded");
	sim_end(a);
	sim_end(b);
	all_ok("an event for a domain that is not loaded wakes it, and is pending when it is");
}

/* A port that was moved stays so when it is bound, and events go where it tells. */
static void moved(void)
{
	struct domain *a = sim_create(1), *b = sim_create(2);
	u32 theirs = sim_unbound(b, 1), ours;
	struct evtchn_bind_vcpu move = { .port = theirs, .vcpu = 1 };
	struct evtchn_status s = { .dom = DOMID_SELF, .port = theirs };

	check(!call(EVTCHNOP_bind_vcpu, &move), "moved");
	ours = sim_bound(a, 2, theirs);
	check(!call(EVTCHNOP_send, &(struct evtchn_send){ .port = ours }), "sent");
	check(b->vcpu[1]->posted_any && !b->vcpu[0]->posted_any, "to the vcpu that it tells");
	sim_load(b, 0);
	check(!call(EVTCHNOP_status, &s) && s.vcpu == 1, "which has not changed");
	check(!call(EVTCHNOP_close, &(struct evtchn_close){ .port = theirs }), "closed");
	check(!bitmap_test(b->vcpu[1]->posted, theirs), "and nothing of it is left");
	/* Who was on the way to it must not post for another, behind what has been cleaned up. */
	check(b->evtchn_bucket[0][theirs].notify_vcpu == 1, "late senders find the same vcpu");
	sim_end(a);
	sim_end(b);
	all_ok("an event goes to the vcpu that the port tells");
}

/* The control domain's way: a port for each of two others, the lowest numbers first. */
static void by_proxy(void)
{
	struct domain *c = sim_create(0), *a = sim_create(1);
	struct evtchn_alloc_unbound op = { .dom = 1, .remote_dom = DOMID_SELF };
	struct evtchn_status s = { .dom = 1, .port = 1 };

	sim_load(c, 0);
	check(!call(EVTCHNOP_alloc_unbound, &op) && op.port == 1, "store");
	check(!call(EVTCHNOP_alloc_unbound, &op) && op.port == 2, "console");
	check(!call(EVTCHNOP_status, &s) && s.status == EVTCHNSTAT_unbound && !s.u.unbound.dom,
	      "for the caller, not for the target");
	check(sim_bound(c, 1, 1), "and it can bind");
	check(call(EVTCHNOP_reset, &(struct evtchn_reset){ .dom = 1 }) == -EINVAL,
	      "no reset of who is not paused");
	check(!call(EVTCHNOP_status, &s) && s.status == EVTCHNSTAT_interdomain, "nothing closed");
	sim_load(a, 0);
	op = (struct evtchn_alloc_unbound){ .dom = 0, .remote_dom = DOMID_SELF };
	check(call(EVTCHNOP_alloc_unbound, &op) == -EPERM, "nobody else may");
	op.dom = NOBODY;
	check(call(EVTCHNOP_alloc_unbound, &op) == -EPERM, "or learn who is there");
	sim_end(a);
	sim_end(c);
	all_ok("the control domain allocates ports for others, and nobody else");
}

static void limits(void)
{
	struct domain *a = sim_create(1);
	u32 nr = 0;

	evtchn_limit(a, 100);
	while (sim_unbound(a, 2))
		nr++;
	check(nr == 100, "%u ports", nr);
	check(call(EVTCHNOP_close, &(struct evtchn_close){ .port = 40 }) == 0, "one less");
	check(sim_unbound(a, 2) == 40 && !sim_unbound(a, 2), "one more");
	evtchn_limit(a, EVTCHN_2L_PORTS - 1);
	while (sim_unbound(a, 2))
		nr++;
	check(nr == EVTCHN_2L_PORTS - 1, "%u ports", nr);
	sim_end(a);
	all_ok("ports up to the domain's limit, and to the ABI's");
}

/* @d uses FIFO, with words for @nr ports that are all in one page; the control block is behind. */
static event_word_t *use_fifo(struct domain *d, u32 nr)
{
	struct evtchn_fifo_control_block *block;
	event_word_t *words;
	mfn_t m;

	words = sim_spare_page(d, &m);
	block = (void *)words + PAGE_SIZE - sizeof(*block);
	memset(words, 0, PAGE_SIZE);
	spin_lock(&d->evtchn_lock);
	check(evtchn_fifo_expand(d, m) == -EOPNOTSUPP, "no words before there is a control block");
	check(!evtchn_fifo_control(d->vcpu[0], (u64)block - VA_WINDOW), "a control block");
	for (u32 have = 0; have < nr; have += FIFO_WORDS_PER_PAGE)
		check(!evtchn_fifo_expand(d, m), "words from %u on", have);
	spin_unlock(&d->evtchn_lock);
	return words;
}

/* Beyond the first 4096: posted as any, pending when the domain is loaded; or taken back. */
static void high_ports(void)
{
	struct domain *a = sim_create(1), *b = sim_create(2);
	event_word_t *words = use_fifo(b, 8192);
	u32 theirs[3], ours[3];

	while (b->evtchn_first_free < 4999)
		sim_unbound(b, 77);
	for (unsigned i = 0; i < 3; i++) {
		theirs[i] = i < 2 ? sim_unbound(b, 1) : 5;
		check(theirs[i] == (i < 2 ? 4999 + i : 5), "port %u", theirs[i]);
	}
	check(!call(EVTCHNOP_close, &(struct evtchn_close){ .port = 5 }), "a low one, too");
	check(sim_unbound(b, 1) == 5, "again");
	for (unsigned i = 0; i < 3; i++)
		ours[i] = sim_bound(a, 2, theirs[i]);
	for (unsigned i = 0; i < 3; i++)
		check(!call(EVTCHNOP_send, &(struct evtchn_send){ .port = ours[i] }), "sent");
	sim_load(b, 0);
	check(!call(EVTCHNOP_close, &(struct evtchn_close){ .port = theirs[1] }), "closed");
	evtchn_fold();
	check(evtchn_is_pending(theirs[0]) && evtchn_is_pending(theirs[2]), "pending");
	check(!evtchn_is_pending(theirs[1]) && !b->vcpu[0]->posted_any, "but what was closed");
	check(words[4999 % 1024] >> EVTCHN_FIFO_LINKED & 1, "and on its queue");
	sim_end(a);
	sim_end(b);
	all_ok("FIFO: ports beyond 4096 are posted, and pending when the domain is loaded");
}

static void fifo_limits(void)
{
	struct domain *a = sim_create(1);
	struct evtchn_fifo *f;
	u32 nr = 0;

	use_fifo(a, EVTCHN_FIFO_PORTS);
	spin_lock(&a->evtchn_lock);
	check(evtchn_fifo_may_expand(a) == -ENOSPC, "no more words");
	spin_unlock(&a->evtchn_lock);
	evtchn_limit(a, 8199);
	while (sim_unbound(a, 2))
		nr++;
	check(nr == 8199, "%u ports", nr);
	check(!evtchn_reset(a, false, &f) && f, "reset");
	evtchn_fifo_free(f);
	for (nr = 0; sim_unbound(a, 2); nr++)
		;
	check(nr == EVTCHN_2L_PORTS - 1, "%u ports", nr);
	check(!call(EVTCHNOP_unmask, &(struct evtchn_unmask){ .port = 5000 }),
	      "one that is left is not touched");
	sim_end(a);
	all_ok("FIFO: ports up to the domain's limit, and after a reset the first 4096");
}

/* Before it has vCPUs: its ports can be had, sent to, and closed. */
static void no_vcpus(void)
{
	struct domain *c = sim_create(0), *a = sim_create(1);
	struct evtchn_alloc_unbound op = { .dom = 1, .remote_dom = DOMID_SELF };
	struct vcpu *first = a->vcpu[0];
	unsigned nr = a->nr_vcpus;
	u32 ours;

	a->nr_vcpus = 0;
	a->vcpu[0] = NULL;
	sim_load(c, 0);
	check(!call(EVTCHNOP_alloc_unbound, &op) && op.port == 1, "a port");
	ours = sim_bound(c, 1, 1);
	check(ours && !call(EVTCHNOP_send, &(struct evtchn_send){ .port = ours }), "sent to");
	check(!call(EVTCHNOP_close, &(struct evtchn_close){ .port = ours }), "unbound");
	sim_load(NULL, 0);
	get_knownalive_domain(a);
	domain_kill(a);
	check(!evtchn_destroy(a), "closed");
	a->vcpu[0] = first;
	a->nr_vcpus = nr;
	put_domain(a);
	sim_end(c);
	all_ok("a domain has ports before it has vCPUs");
}

/* In steps, from the top, each of which leaves both sides whole. */
static void destruction(void)
{
	struct domain *a = sim_create(1), *b = sim_create(2);
	u32 theirs[300], steps = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(theirs); i++) {
		u32 port = sim_unbound(a, 2);

		theirs[i] = sim_bound(b, 1, port);
		check(port && theirs[i], "channel %u", i);
	}
	evtchn_bind_own(a, ARRAY_SIZE(theirs) + 1);
	sim_load(a, 0);
	check(call(EVTCHNOP_close, &(struct evtchn_close){ ARRAY_SIZE(theirs) + 1 }) == -EINVAL,
	      "one that the hypervisor has opened is closed by nobody");
	sim_load(NULL, 0);
	get_knownalive_domain(a);
	domain_kill(a);
	sim_preempt_odds = 1;
	do
		steps++;
	while (evtchn_destroy(a) == -ERESTART);
	sim_preempt_odds = 0;
	check(steps == 320 / 64, "%u steps", steps);
	put_domain(a);
	for (unsigned i = 0; i < ARRAY_SIZE(theirs); i++) {
		struct evtchn_status s = { .dom = DOMID_SELF, .port = theirs[i] };

		sim_load(b, 0);
		check(!call(EVTCHNOP_status, &s) && s.status == EVTCHNSTAT_unbound &&
		      s.u.unbound.dom == 1, "unbound for who has gone");
		check(!call(EVTCHNOP_send, &(struct evtchn_send){ .port = theirs[i] }),
		      "a send goes nowhere");
	}
	/* Who has the number next may bind it. */
	a = sim_create(1);
	check(sim_bound(a, 2, theirs[0]), "a new domain of that number");
	sim_end(a);
	sim_end(b);
	all_ok("a dying domain's ports are closed in steps of 64, and its peers' unbound");
}

int main(void)
{
	sim_init();
	wakes();
	moved();
	by_proxy();
	limits();
	high_ports();
	fifo_limits();
	no_vcpus();
	destruction();
	return done();
}
