/* SPDX-License-Identifier: MIT */
/*
 * Operations on event channels, timers and turns. The timers' ports are nobody's to close:
 * any_port() does not know them, and they close with all of them alone.
 */
#include "ops.h"
#include <xen/event_channel.h>
#include <xen/vcpu.h>

/* The argument of EVTCHNOP_@cmd: which of its fields are ports is what differs. */
static void event_arg(struct me *m, unsigned int cmd, uint32_t a[6])
{
	for (unsigned int i = 0; i < 6; i++)
		a[i] = any_port(m);
	switch (cmd) {
	case EVTCHNOP_bind_interdomain:		/* dom, port */
		a[0] = one_in(m, 4) ? any_domid(m) : DOMID_SELF;
		break;
	case EVTCHNOP_bind_virq:		/* virq, vcpu */
		a[0] = one_in(m, 6) ? (uint32_t)border(m) : (uint32_t)below(m, 24);
		a[1] = any_vcpu(m);
		break;
	case EVTCHNOP_bind_pirq:		/* pirq, flags */
		a[0] = one_in(m, 6) ? (uint32_t)border(m) : (uint32_t)below(m, 24);
		a[1] = (uint32_t)below(m, 3);
		break;
	case EVTCHNOP_status:			/* dom, port */
		a[0] = any_domid(m);
		break;
	case EVTCHNOP_alloc_unbound:		/* dom, remote_dom */
		a[0] = any_domid(m) | (uint32_t)any_domid(m) << 16;
		break;
	case EVTCHNOP_bind_ipi:			/* vcpu */
		a[0] = any_vcpu(m);
		break;
	case EVTCHNOP_bind_vcpu:		/* port, vcpu */
		a[1] = any_vcpu(m);
		break;
	case EVTCHNOP_init_control:
	case EVTCHNOP_expand_array:
	case EVTCHNOP_set_priority:
		fifo_arg(m, cmd, a);
		break;
	}
}

static bool is_timers(uint32_t port)
{
	for (unsigned int i = 0; i < nr_cpus; i++)
		if (port == areas[i].me.timer_port)
			return true;
	return false;
}

/* Ports are many and found by luck: those given are remembered and asked for first. */
static volatile uint32_t known[32];

static uint32_t known_port(struct me *m)
{
	uint32_t port = known[below(m, 32)];

	return is_timers(port) ? any_port(m) : port;
}

/* EVTCHNOP_@cmd was done with @a. */
static void remember(struct me *m, unsigned int cmd, const volatile uint32_t *a)
{
	bool early = cmd == EVTCHNOP_bind_ipi || cmd == EVTCHNOP_alloc_unbound;
	uint32_t got = a[early ? 1 : 2];

	if (cmd == EVTCHNOP_init_control || cmd == EVTCHNOP_expand_array)
		fifo_given(cmd, a);
	else if (cmd != EVTCHNOP_status && !is_timers(got) && got < 131072)
		known[below(m, 32)] = got;
}

long op_event(struct me *m, unsigned int cmd)
{
	uint32_t a[6], b[6];
	uint64_t at;
	long rc;

	event_arg(m, cmd, a);
	event_arg(m, cmd, b);
	if (cmd == EVTCHNOP_bind_interdomain)
		a[1] = known_port(m);
	if (cmd == EVTCHNOP_close || cmd == EVTCHNOP_send || cmd == EVTCHNOP_unmask ||
	    cmd == EVTCHNOP_bind_vcpu || cmd == EVTCHNOP_set_priority)
		a[0] = one_in(m, 4) ? a[0] : known_port(m);
	at = one_in(m, 4) ? arg_flipped(m, a, b, sizeof(a)) : arg(m, a, sizeof(a));
	rc = CALL(m, event_channel_op, cmd, at, 0, 0, 0);
	flip_end(m);
	if (!rc && arg_is_good(m, at, sizeof(a)))
		remember(m, cmd, (const volatile uint32_t *)at);
	return rc;
}

/* Of another domain, or none. */
long op_event_reset(struct me *m, unsigned int nothing)
{
	struct evtchn_reset op = { .dom = any_domid(m) };

	if (op.dom == DOMID_SELF || op.dom == 0)
		op.dom = 1;
	return CALL(m, event_channel_op, EVTCHNOP_reset, arg(m, &op, sizeof(op)), 0, 0, 0);
}

/*
 * All of our own close, and the ABI is the two-level one again. The timers' are bound anew, but for
 * those that others were quicker with: then a sleep ends late, by an NMI.
 */
long op_event_reset_own(struct me *m, unsigned int nothing)
{
	static volatile bool busy;
	struct evtchn_reset op = { .dom = DOMID_SELF };
	long rc;

	if (__atomic_exchange_n(&busy, true, __ATOMIC_SEQ_CST))
		return -XEN_EAGAIN;
	memcpy(m->arg, &op, sizeof(op));
	rc = CALL(m, event_channel_op, EVTCHNOP_reset, ARG(m->arg), 0, 0, 0);
	fifo_forget();
	for (unsigned int v = 0; v < nr_cpus; v++)
		bind_timer(&areas[v].me);
	__atomic_store_n(&busy, false, __ATOMIC_SEQ_CST);
	return rc == -XEN_EAGAIN ? 0 : rc;	/* others have opened some meanwhile */
}

long op_timer(struct me *m, unsigned int nothing)
{
	uint64_t when = clock_ns() + below(m, 3 * MS);

	return CALL(m, set_timer_op, one_in(m, 4) ? border(m) : when, 0, 0, 0, 0);
}

/* ---- Turns ---- */

static long block(struct me *m)
{
	static volatile unsigned int nr_blocked;
	long rc = -XEN_EAGAIN;

	fifo_listen(m);
	/* vCPU 0 wakes the others, so it only sleeps with a time of its own; one stays awake. */
	if (m->id && __atomic_add_fetch(&nr_blocked, 1, __ATOMIC_SEQ_CST) < nr_cpus) {
		CALL(m, set_timer_op, clock_ns() + below(m, 2 * MS), 0, 0, 0, 0);
		rc = CALL(m, sched_op, SCHEDOP_block, 0, 0, 0, 0);
	}
	if (m->id)
		__atomic_sub_fetch(&nr_blocked, 1, __ATOMIC_SEQ_CST);
	return rc;
}

static long poll(struct me *m)
{
	uint32_t ports[130];
	unsigned int nr = (unsigned int)below(m, one_in(m, 8) ? 130 : 4);
	struct sched_poll op = { .nr_ports = one_in(m, 20) ? (unsigned int)border(m) : nr,
				 .timeout = clock_ns() + below(m, MS) };

	for (unsigned int i = 0; i < 130; i++)
		ports[i] = any_port(m);
	if (m->id && one_in(m, 20))
		op.timeout = below(m, 2);	/* 0: until the others look after us */
	op.ports.p = (void *)arg(m, ports, sizeof(ports));
	return CALL(m, sched_op, SCHEDOP_poll, arg(m, &op, sizeof(op)), 0, 0, 0);
}

/* No port and no timer of ours ends it: the others' NMI must, once they miss us (watch.c). */
static long poll_for_nmi(struct me *m)
{
	struct sched_poll op = { .nr_ports = 0 };

	HC1(set_timer_op, 0);
	HC3(vcpu_op, VCPUOP_stop_singleshot_timer, m->id, 0);
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, m->id, 0);
	return CALL(m, sched_op, SCHEDOP_poll, arg(m, &op, sizeof(op)), 0, 0, 0);
}

/* Not: what ends the domain, or says beforehand how it ends. */
long op_sched(struct me *m, unsigned int cmd)
{
	struct sched_remote_shutdown other = { .domain_id = 1 + (domid_t)below(m, 0x7fff),
					       .reason = (unsigned int)border(m) };

	switch (cmd) {
	case SCHEDOP_block:
		return block(m);
	case SCHEDOP_poll:
		return m->id && one_in(m, 40) ? poll_for_nmi(m) : poll(m);
	case SCHEDOP_yield:
		return CALL(m, sched_op, SCHEDOP_yield, border(m), 0, 0, 0);
	case SCHEDOP_remote_shutdown:
		return CALL(m, sched_op, cmd, arg(m, &other, sizeof(other)), 0, 0, 0);
	case SCHEDOP_shutdown:
	case SCHEDOP_shutdown_code:
		return CALL(m, sched_op, cmd, bad_address(m), 0, 0, 0);
	default:
		return CALL(m, sched_op, SCHEDOP_pin_override + below(m, 1000), border(m), 0, 0, 0);
	}
}

/*
 * Far off as we ask for it, but a sibling may have rewritten that to a second; so both are put away
 * at once, by words that nobody rewrites: none bites, however slow the machine.
 */
long op_watchdog(struct me *m, unsigned int nothing)
{
	struct sched_watchdog off = { 0 };
	struct sched_watchdog w = { .id = one_in(m, 3) ? (uint32_t)border(m) : 0,
				    .timeout = 1000 + (uint32_t)below(m, 1ul << 31) };
	long rc = CALL(m, sched_op, SCHEDOP_watchdog, arg(m, &w, sizeof(w)), 0, 0, 0);

	for (off.id = 1; off.id <= 2; off.id++)
		HC2(sched_op, SCHEDOP_watchdog, &off);
	return rc > 0 ? 0 : rc;
}

/* Pending and mask words, and a vcpu_info, as no kernel would; the timers' bits are put right. */
long op_shared_info(struct me *m, unsigned int nothing)
{
	unsigned int w = (unsigned int)below(m, 64);

	switch (below(m, 5)) {
	case 0:
		shared->evtchn_pending[w] = border(m);
		break;
	case 1:
		shared->evtchn_mask[w] = border(m);
		break;
	case 2:
		m->info->evtchn_pending_sel = border(m);
		break;
	case 3:
		m->info->evtchn_upcall_pending = (uint8_t)border(m);
		break;
	default:
		shared->vcpu_info[nr_cpus + below(m, 4)].evtchn_upcall_mask = (uint8_t)border(m);
	}
	for (unsigned int i = 0; i < nr_cpus; i++)
		asm volatile("lock btrq %1, %0" : "+m"(*(volatile uint64_t *)shared->evtchn_mask)
			     : "r"((uint64_t)areas[i].me.timer_port % 4096) : "memory");
	return 0;
}
