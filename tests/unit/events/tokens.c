/* SPDX-License-Identifier: MIT */
/*
 * No event is lost, none comes twice, and nobody sleeps through one: a few tokens travel between
 * vcpus, each hop one event.
 *
 * A vcpu that holds a token sends it to another, straight or (with another root loaded) posted, or
 * to itself by its single-shot timer. A vcpu that holds none waits in one of the ways there are:
 * block, poll with upcalls masked, or run on until it is interrupted. A token that arrives anywhere
 * but where it was sent, or that was not sent, is an error; one that arrives nowhere for a time
 * means that an event or a wake was lost. Usage: tokens HOPS SECONDS pinned|free|virqs
 *
 * virqs: free, and VIRQs are raised all the time whose port is moved and closed. Their wakes would
 * hide lost ones of tokens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/window.h>
#include <isola/evtchn.h>
#include <isola/evtchn_deliver.h>
#include <isola/lib/bitmap.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/time.h>
#include <isola/watchdog.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include "machine.h"

#define NR_TOKENS	3
#define NOWHERE		~0u

static u32 port[NR_TOKENS][NR_SIM_VCPUS];
static u32 on_its_way_to[NR_TOKENS];		/* vcpu, or NOWHERE: held by one */
static u32 noise_port, virq_port;
static bool with_virqs;
static u64 arrivals[NR_TOKENS];
static u64 hops, by_post, by_timer, polls, blocks, runs, closes, moves;

static struct guest {
	bool holds[NR_TOKENS];
	u32 timer_port;
	int timer_token;			/* -1: none */
	u64 random;
} guests[NR_SIM_VCPUS];

static void add(u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static u64 pick(struct guest *g, u64 below)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return g->random % below;
}

static void arrived(struct vcpu *v, unsigned token)
{
	if (__atomic_exchange_n(&on_its_way_to[token], NOWHERE, __ATOMIC_SEQ_CST) != v->id)
		panic("token %u came to vcpu %u, where nobody sent it", token, v->id);
	guests[v->id].holds[token] = true;
	add(&arrivals[token]);
	add(&hops);
}

/* What @p stands for on @v. */
static void take(struct vcpu *v, u32 p)
{
	struct guest *g = &guests[v->id];

	if (p == g->timer_port && g->timer_token >= 0) {
		int token = g->timer_token;

		g->timer_token = -1;
		arrived(v, token);
		return;
	}
	for (unsigned t = 0; t < NR_TOKENS; t++)
		if (p == port[t][v->id]) {
			arrived(v, t);
			return;
		}
	panic("port %u is pending on vcpu %u", p, v->id);
}

static struct shared_info *shared(void)
{
	return window_ptr(sim_domain.shared_info_mfn);
}

/* By hand, without an upcall: whatever of this vcpu's is pending. */
static void look(struct vcpu *v)
{
	struct guest *g = &guests[v->id];

	for (unsigned t = 0; t < NR_TOKENS; t++)
		if (atomic_bitmap_test_and_clear(shared()->evtchn_pending, port[t][v->id]))
			take(v, port[t][v->id]);
	if (atomic_bitmap_test_and_clear(shared()->evtchn_pending, g->timer_port))
		take(v, g->timer_port);
}

/*
 * As Linux: flag, selector, words; only what the selector names, so that a bit without its selector
 * would be lost.
 */
void guest_upcall(struct vcpu *v)
{
	struct vcpu_info *info = vcpu_info_of(v);
	u64 words;

	WRITE_ONCE(info->evtchn_upcall_mask, 1);
	WRITE_ONCE(info->evtchn_upcall_pending, 0);
	words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	if (words)
		look(v);
	WRITE_ONCE(info->evtchn_upcall_mask, 0);
}

static void send(struct vcpu *v, unsigned token)
{
	struct guest *g = &guests[v->id];
	u32 to = pick(g, NR_SIM_VCPUS);
	bool post = !pick(g, 3);

	g->holds[token] = false;
	__atomic_store_n(&on_its_way_to[token], to, __ATOMIC_SEQ_CST);
	if (to == v->id && g->timer_token < 0 && pick(g, 2)) {
		g->timer_token = token;
		timer_set(&v->singleshot_timer, now_ns() + pick(g, 200000));
		add(&by_timer);
		return;
	}
	if (post) {
		load_user_root(true);
		evtchn_deliver_or_post(&sim_vcpu[to], port[token][to]);
		load_user_root(false);
	} else if (evtchn_send(&sim_domain, port[token][to])) {
		panic("cannot send");
	}
	if (post)
		add(&by_post);
}

static void poll(struct vcpu *v)
{
	struct guest *g = &guests[v->id];
	u32 list[12];
	struct sched_poll op = { .nr_ports = pick(g, 2) ? NR_TOKENS + 1 : ARRAY_SIZE(list) };

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = i % (NR_TOKENS + 1) < NR_TOKENS ? port[i % (NR_TOKENS + 1)][v->id]
							  : g->timer_port;
	*(const void **)&op.ports = list;
	if (!pick(g, 4))
		op.timeout = now_ns() + 50000;
	nmi_before_sleep = !pick(g, 8);
	WRITE_ONCE(vcpu_info_of(v)->evtchn_upcall_mask, 1);
	if (hc_sched_op(SCHEDOP_poll, (u64)&op))
		panic("cannot poll");
	add(&polls);
}

/* Whoever has an NMI does not sleep. */
static void take_nmi(struct vcpu *v)
{
	if (READ_ONCE(v->nmi_pending) && READ_ONCE(v->state) != VCPU_RUNNABLE)
		panic("vcpu %u sleeps through an NMI", v->id);
	WRITE_ONCE(v->nmi_pending, false);
	nmi_before_sleep = false;
}

static void wait_somehow(struct vcpu *v)
{
	switch (pick(&guests[v->id], 3)) {
	case 0:
		nmi_before_sleep = !pick(&guests[v->id], 8);
		hc_sched_op(SCHEDOP_block, 0);
		take_nmi(v);
		add(&blocks);
		break;
	case 1:
		poll(v);
		take_nmi(v);
		break;
	default:
		/* Unmasked, in guest code, without a hypercall: only an interrupt ends this. */
		if (READ_ONCE(vcpu_info_of(v)->evtchn_upcall_mask)) {
			WRITE_ONCE(vcpu_info_of(v)->evtchn_upcall_mask, 0);
			return;
		}
		while (!cpu_interrupted())
			cpu_relax();
		add(&runs);
	}
}

static void stays_quiet(u32 p, const char *what)
{
	const struct shared_info *s = shared();

	for (unsigned i = 0; i < 200; i++) {
		if (bitmap_test(s->evtchn_pending, p))
			panic("a port that was %s becomes pending", what);
		__builtin_ia32_pause();
	}
}

/* One at a time opens and closes: the number that has been closed is the next to be had. */
static spinlock_t closers = SPINLOCK_INIT(LOCK_NONE);

/*
 * One port that everybody sends to, while whoever likes closes it and binds it again. A port that
 * has been closed does not become pending, whoever was sending to it: neither until it is bound
 * again nor by a sender from before that.
 */
static void noise(struct vcpu *v)
{
	u32 port = READ_ONCE(noise_port);
	struct evtchn_bind_ipi bind = { .vcpu = v->id };

	atomic_bitmap_set(shared()->evtchn_mask, port);
	if (pick(&guests[v->id], 8)) {
		evtchn_send(&sim_domain, READ_ONCE(noise_port));
		return;
	}
	spin_lock(&closers);
	if (evtchn_close(&sim_domain, port))
		panic("cannot close");
	stays_quiet(port, "closed");
	spin_lock(&sim_domain.evtchn_lock);
	if (evtchn_bind_ipi(&sim_domain, &bind) || bind.port != port)
		panic("cannot bind again");
	spin_unlock(&sim_domain.evtchn_lock);
	spin_unlock(&closers);
	add(&closes);
}

/*
 * A VIRQ that everybody raises, while whoever likes moves its port to his own vcpu, or closes it.
 * What was posted before that has arrived by then: who moves it to himself is the only one to fold
 * what comes later, and does not while he looks.
 */
static void virqs(struct vcpu *v)
{
	struct evtchn_bind_vcpu move = { .port = virq_port, .vcpu = v->id };
	struct evtchn_bind_virq bind = { .virq = VIRQ_CONSOLE };
	bool closes_it = !pick(&guests[v->id], 2);

	atomic_bitmap_set(shared()->evtchn_mask, virq_port);
	if (pick(&guests[v->id], 4)) {
		send_global_virq(&sim_domain, VIRQ_CONSOLE);
		return;
	}
	spin_lock(&closers);
	if (closes_it && evtchn_close(&sim_domain, virq_port))
		panic("cannot close");
	spin_lock(&sim_domain.evtchn_lock);
	if (!closes_it && evtchn_bind_vcpu(&sim_domain, &move))
		panic("cannot move");
	if (!closes_it)
		atomic_bitmap_clear(shared()->evtchn_pending, virq_port);
	stays_quiet(virq_port, closes_it ? "closed" : "moved");
	if (closes_it && (evtchn_bind_virq(&sim_domain, &bind) || bind.port != virq_port))
		panic("cannot bind again");
	spin_unlock(&sim_domain.evtchn_lock);
	spin_unlock(&closers);
	add(&moves);
}

/* Any number at a time outside, or one alone who looks. */
static int watching;

static bool watchdogs_enter(bool alone)
{
	int seen = READ_ONCE(watching);

	return (alone ? !seen : seen >= 0) &&
	       __atomic_compare_exchange_n(&watching, &seen, alone ? -1 : seen + 1, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/*
 * Watchdogs that everybody takes, feeds and puts away: those that are set are armed, and no others.
 */
static void watchdogs(struct vcpu *v)
{
	struct guest *g = &guests[v->id];
	u32 id = pick(g, NR_WATCHDOGS + 1);

	for (unsigned i = 0; i < 4 && watchdogs_enter(false); i++) {
		watchdog_set(&sim_domain, id, id && pick(g, 2) ? 0 : 1000000);
		__atomic_sub_fetch(&watching, 1, __ATOMIC_SEQ_CST);
	}
	if (!watchdogs_enter(true))
		return;
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		if (sim_domain.watchdog[i].armed != (sim_domain.watchdogs_used >> i & 1))
			panic("watchdog %u is armed: %u", i, sim_domain.watchdog[i].armed);
	WRITE_ONCE(watching, 0);
}

void guest_step(struct vcpu *v)
{
	struct guest *g = &guests[v->id];
	bool sent = false;

	noise(v);
	watchdogs(v);
	if (with_virqs)
		virqs(v);

	if (READ_ONCE(vcpu_info_of(v)->evtchn_upcall_mask))
		look(v);
	for (unsigned t = 0; t < NR_TOKENS; t++)
		if (g->holds[t]) {
			send(v, t);
			sent = true;
		}
	if (!sent)
		wait_somehow(v);
}

static void bind_ports(void)
{
	struct evtchn_bind_ipi noisy = { .vcpu = 0 };
	struct evtchn_bind_virq console = { .virq = VIRQ_CONSOLE };

	for (u32 v = 0; v < NR_SIM_VCPUS; v++) {
		struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = v };

		guests[v] =
			(struct guest){ .random = 0x9e3779b97f4a7c15 * (v + 1), .timer_token = -1 };
		if (evtchn_bind_virq(&sim_domain, &virq))
			panic("no timer port");
		guests[v].timer_port = virq.port;
		for (unsigned t = 0; t < NR_TOKENS; t++) {
			struct evtchn_bind_ipi ipi = { .vcpu = v };

			if (evtchn_bind_ipi(&sim_domain, &ipi))
				panic("no port");
			port[t][v] = ipi.port;
		}
	}
	if (evtchn_bind_ipi(&sim_domain, &noisy))
		panic("no port");
	noise_port = noisy.port;
	if (evtchn_bind_virq(&sim_domain, &console))
		panic("no port");
	virq_port = console.port;
	for (unsigned t = 0; t < NR_TOKENS; t++) {
		on_its_way_to[t] = NOWHERE;
		guests[t % NR_SIM_VCPUS].holds[t] = true;
	}
}

static void describe_stall(void)
{
	printf("# a token has been on its way for too long\n");
	for (unsigned t = 0; t < NR_TOKENS; t++)
		printf("# token %u: on its way to %d\n", t, (int)on_its_way_to[t]);
	for (unsigned i = 0; i < NR_SIM_VCPUS; i++) {
		const struct vcpu *v = &sim_vcpu[i];
		const struct vcpu_info *info = vcpu_info_of(v);

		printf("# vcpu %u: state %u, queued %u, on CPU %d, posted %lx, event_check %u, "
		       "upcall %u, mask %u, selector %lx\n",
		       i, v->state, v->queued, (int)v->on_cpu, v->posted_any, v->event_check,
		       info->evtchn_upcall_pending, info->evtchn_upcall_mask,
		       info->evtchn_pending_sel);
	}
}

/* For how many looks, 10 ms apart, has the token that has waited longest not arrived anywhere? */
static unsigned longest_wait(void)
{
	static u64 seen[NR_TOKENS];
	static unsigned waits[NR_TOKENS];
	unsigned longest = 0;

	for (unsigned t = 0; t < NR_TOKENS; t++) {
		u64 now = __atomic_load_n(&arrivals[t], __ATOMIC_RELAXED);

		waits[t] = now == seen[t] ? waits[t] + 1 : 0;
		seen[t] = now;
		longest = max(longest, waits[t]);
	}
	return longest;
}

int main(int argc, char **argv)
{
	u64 wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : 50000;
	unsigned patience = argc > 2 ? atoi(argv[2]) : 10;

	machine_init(argc < 4 || !strcmp(argv[3], "pinned"));
	with_virqs = argc > 3 && !strcmp(argv[3], "virqs");
	spin_lock(&sim_domain.evtchn_lock);
	bind_ports();
	spin_unlock(&sim_domain.evtchn_lock);
	machine_start();
	while (__atomic_load_n(&hops, __ATOMIC_RELAXED) < wanted) {
		if (longest_wait() >= patience * 100) {
			describe_stall();
			fflush(stdout);
			_Exit(1);
		}
		usleep(10000);
	}
	printf("# %lu hops: %lu posted, %lu by timer; waited %lu times in block, %lu in poll, %lu "
	       "running; %lu closes, %lu moves\n",
	       hops, by_post, by_timer, blocks, polls, runs, closes, moves);
	fflush(stdout);
	_Exit(!by_post || !by_timer || !blocks || !polls || !runs || !closes ||
	      !moves == with_virqs);
}
