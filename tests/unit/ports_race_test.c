/* SPDX-License-Identifier: MIT */
/*
 * Event channels between domains on two CPUs at once: both open, bind, send and close, each for any
 * domain, one of which is made and destroyed all the time. Nothing that has been freed is used (the
 * sanitizer), nobody waits for ever, and in the end both ends of each channel say the same.
 *
 * Flags: -Itests/unit/events/include -include isola/errno.h -pthread
 * Flags: -Wl,--wrap=evtchn_deliver_or_post
 * Sources: tests/unit/ports/sim.c common/evtchn.c common/evtchn_port.c common/evtchn_send.c
 * Sources: common/evtchn_close.c common/evtchn_deliver.c common/evtchn_raise.c
 * Sources: common/evtchn_upcall.c common/evtchn_fifo.c common/evtchn_fifo_setup.c
 * Sources: common/virq_handler.c
 * Sources: common/domain_list.c common/domain_ref.c common/base/spinlock.c common/lib/bitmap.c
 * Sources: arch/x86/calls/evtchn_op.c
 */
#include "ports/sim.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <asm/hypercall.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/virq_handler.h>
#include <xen/event_channel.h>

#define STAYING 2		/* domains 0 and 1: run on both CPUs; domain 2 on CPU 0 alone */
#define PORTS	8		/* of each, that are played with */
#define ROUNDS	10000

static struct domain *staying[STAYING], *mortal;
static u64 binds[2], sends[2], closes[2], deaths, progress;

struct dice { u64 state; };

static u64 roll(struct dice *r, u64 below)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state % below;
}

/* A sender that has read all of the port takes its time now and then. */
void __real_evtchn_deliver_or_post(struct vcpu *v, u32 port);
void __wrap_evtchn_deliver_or_post(struct vcpu *v, u32 port);
void __wrap_evtchn_deliver_or_post(struct vcpu *v, u32 port)
{
	for (u64 n = sends[0] % 16 == 0 ? 20 : 0; n; n--)
		sched_yield();
	__real_evtchn_deliver_or_post(v, port);
}

static long call(u32 cmd, void *op)
{
	return hc_event_channel_op(cmd, (u64)op);
}

static void step(unsigned cpu, struct dice *r)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = roll(r, 3) };
	struct evtchn_bind_interdomain bind = { .remote_dom = roll(r, 3),
						.remote_port = 1 + roll(r, PORTS) };
	struct evtchn_send send = { .port = 1 + roll(r, PORTS) };
	struct evtchn_close close = { .port = 1 + roll(r, PORTS) };
	struct evtchn_bind_vcpu move = { .port = 1 + roll(r, PORTS), .vcpu = roll(r, 2) };

	switch (roll(r, 8)) {
	case 0:
		if (!call(EVTCHNOP_alloc_unbound, &alloc) && alloc.port > PORTS) {
			close.port = alloc.port;
			call(EVTCHNOP_close, &close);
		}
		break;
	case 1:
	case 2:
		binds[cpu] += !call(EVTCHNOP_bind_interdomain, &bind);
		break;
	case 3:
		closes[cpu] += !call(EVTCHNOP_close, &close);
		break;
	case 4:
		call(EVTCHNOP_bind_vcpu, &move);
		break;
	case 5:
		raise_global_virq(VIRQ_DOM_EXC);
		break;
	default:
		sends[cpu] += !call(EVTCHNOP_send, &send);
	}
	evtchn_fold();
}

/* On CPU 0, which has no vcpu of it loaded. */
static void rebirth(void)
{
	sim_load(NULL, 0);
	get_knownalive_domain(mortal);
	domain_kill(mortal);
	while (evtchn_destroy(mortal) == -ERESTART)
		;
	put_domain(mortal);
	do
		mortal = sim_create(STAYING);
	while (!mortal);		/* a call of CPU 1's holds the last one still */
	if (set_global_virq_handler(mortal, VIRQ_DOM_EXC))
		panic("no handler");
	deaths++;
}

static void *run(void *arg)
{
	unsigned cpu = (u64)arg;
	struct dice r = { 0x9e3779b97f4a7c15 * (cpu + 1) };

	sim_cpu(cpu);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (!cpu && roll(&r, 32) == 0)
			rebirth();
		if (!cpu && roll(&r, 3) == 0)
			sim_load(mortal, 0);
		else
			sim_load(staying[roll(&r, STAYING)], cpu);
		for (unsigned n = roll(&r, 8); n; n--)
			step(cpu, &r);
		__atomic_fetch_add(&progress, 1, __ATOMIC_RELAXED);
	}
	sim_load(NULL, 0);
	return NULL;
}

/* Of what is there when all is quiet. */
static void both_ends(const struct domain *d)
{
	for (u32 port = 1; port < d->nr_evtchns; port++) {
		const struct evtchn *e = &d->evtchn_bucket[port / 64][port % 64], *other;

		if (e->state != EVTCHN_INTERDOMAIN) {
			check(!e->peer, "d%u port %u, state %u, names a domain", d->domid, port,
			      e->state);
			continue;
		}
		other = &e->peer->evtchn_bucket[e->remote_port / 64][e->remote_port % 64];
		check(e->peer == staying[0] || e->peer == staying[1] || e->peer == mortal,
		      "d%u port %u is bound to a domain that is there", d->domid, port);
		check(other->state == EVTCHN_INTERDOMAIN && other->peer == d &&
		      other->remote_port == port, "d%u port %u: the other end", d->domid, port);
	}
}

/* Nobody makes a step for 20 s: a lock is never had. */
static void *watch(void *arg)
{
	for (u64 seen = ~0ul; seen != READ_ONCE(progress); sleep(20))
		seen = READ_ONCE(progress);
	panic("both CPUs stand still");
	return arg;
}

int main(void)
{
	pthread_t thread[2], watcher;

	sim_init();
	for (unsigned i = 0; i < STAYING; i++)
		staying[i] = sim_create(i);
	mortal = sim_create(STAYING);
	sim_cpu(1);
	pthread_create(&watcher, NULL, watch, NULL);
	for (u64 cpu = 0; cpu < 2; cpu++)
		pthread_create(&thread[cpu], NULL, run, (void *)cpu);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		pthread_join(thread[cpu], NULL);
	for (unsigned i = 0; i < STAYING; i++)
		both_ends(staying[i]);
	both_ends(mortal);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		check(binds[cpu] > 100 && sends[cpu] > 1000 && closes[cpu] > 100, "CPU %u does",
		      cpu);
	check(deaths > 100 && sim_ended == deaths, "%lu deaths, %u ends", deaths, sim_ended);
	printf("# %lu binds, %lu sends, %lu closes, %lu deaths\n", binds[0] + binds[1],
	       sends[0] + sends[1], closes[0] + closes[1], deaths);
	all_ok("two CPUs, three domains, one of them mortal: both ends of each channel agree");
	return done();
}
