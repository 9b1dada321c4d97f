/* SPDX-License-Identifier: MIT */
/*
 * Rows of events: to oneself, and between two vCPUs.
 */
#include "bench.h"

static struct evtchn_send to_self, to_second;
extern struct evtchn_send answer;
struct evtchn_send answer;		/* what the second vCPU sends: timed.S */

static uint32_t bind_ipi(uint32_t vcpu)
{
	struct evtchn_bind_ipi op = { .vcpu = vcpu };

	MUST(HC2(event_channel_op, EVTCHNOP_bind_ipi, &op));
	if (op.port >= 64)
		die("port %u: the handlers know the first 64 only", op.port);
	shared->evtchn_pending[0] &= ~(1ul << op.port);
	return op.port;
}

static void unmask(uint32_t port)
{
	shared->evtchn_mask[0] &= ~(1ul << port);
}

static uint64_t send_masked(void *arg)
{
	uint64_t ticks = TIME_HC(event_channel_op, EVTCHNOP_send, arg, 0, 0);

	shared->evtchn_pending[0] &= ~(1ul << ((struct evtchn_send *)arg)->port);
	return ticks;
}

/* Sent, delivered, handled and back, with upcalls open. */
static uint64_t send_to_self(void *arg)
{
	uint64_t ticks;

	vcpu_info->evtchn_upcall_mask = 0;
	ticks = TIME_HC(event_channel_op, EVTCHNOP_send, arg, 0, 0);
	vcpu_info->evtchn_upcall_mask = 1;
	if (shared->evtchn_pending[0] & 1ul << to_self.port)
		die("the event to self was not delivered");
	return ticks;
}

static void self(void)
{
	to_self.port = bind_ipi(0);
	event_keep_0 &= ~(1ul << to_self.port);
	row("send-masked", send_masked, &to_self, 0);
	unmask(to_self.port);
	vcpu_info->evtchn_upcall_pending = 0;
	vcpu_info->evtchn_pending_sel = 0;
	row("send-to-self", send_to_self, &to_self, OWN_EVENT);
}

static void close(uint32_t port)
{
	struct evtchn_close op = { .port = port };

	MUST(HC2(event_channel_op, EVTCHNOP_close, &op));
}

/* Unmask a port that is masked; *arg: whether it is pending, with upcalls held back. */
static uint64_t unmask_op(void *arg)
{
	struct evtchn_unmask op = { .port = to_self.port };

	shared->evtchn_mask[0] |= 1ul << op.port;
	if (*(bool *)arg)
		shared->evtchn_pending[0] |= 1ul << op.port;
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
	return TIME_HC(event_channel_op, EVTCHNOP_unmask, &op, 0, 0);
}

static uint64_t close_or_bind_ipi(void *arg)
{
	struct evtchn_bind_ipi op = { .vcpu = 0 };
	uint64_t bind = TIME_HC(event_channel_op, EVTCHNOP_bind_ipi, &op, 0, 0);
	struct evtchn_close end = { .port = op.port };
	uint64_t close = TIME_HC(event_channel_op, EVTCHNOP_close, &end, 0, 0);

	return *(bool *)arg ? bind : close;
}

static uint64_t bind_virq(void *arg)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_DEBUG };
	uint64_t ticks = TIME_HC(event_channel_op, EVTCHNOP_bind_virq, &op, 0, 0);

	close(op.port);
	return ticks;
}

/* A port of ours that we may bind ourselves, and its other end. */
static uint64_t alloc_or_bind_interdomain(void *arg)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	uint64_t alloc = TIME_HC(event_channel_op, EVTCHNOP_alloc_unbound, &a, 0, 0), bind;

	b.remote_port = a.port;
	bind = TIME_HC(event_channel_op, EVTCHNOP_bind_interdomain, &b, 0, 0);
	close(b.local_port);
	close(a.port);
	return *(bool *)arg ? bind : alloc;
}

static void ports(void)
{
	static bool no = false, yes = true;

	row("unmask", unmask_op, &no, 0);
	row("unmask-pending", unmask_op, &yes, 0);
	shared->evtchn_pending[0] &= ~(1ul << to_self.port);
	shared->evtchn_mask[0] = ~0ul;
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
	row("bind-ipi", close_or_bind_ipi, &yes, 0);
	row("close", close_or_bind_ipi, &no, 0);
	row("bind-virq", bind_virq, NULL, 0);
	row("alloc-unbound", alloc_or_bind_interdomain, &no, 0);
	row("bind-interdomain", alloc_or_bind_interdomain, &yes, 0);
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
}

static void second_vcpu_start(void)
{
	vcpu_start(1, second_vcpu_entry, event_entry_1);
	/* Let it run until it blocks. */
	for (unsigned int i = 0; i < 100; i++)
		HC2(sched_op, SCHEDOP_yield, 0);
}

uint64_t ping_pong(void *arg)
{
	struct ping *ping = arg;
	struct timed t = { .rax = __HYPERVISOR_event_channel_op,
			   .rdi = EVTCHNOP_send,
			   .rsi = (unsigned long)&ping->there };
	uint64_t ticks;

	vcpu_info->evtchn_upcall_mask = 1;
	ticks = timed_send_and_block(&t);
	vcpu_info->evtchn_upcall_mask = 1;
	if (shared->evtchn_pending[0] & 1ul << ping->back)
		die("the answer was not taken");
	return ticks;
}

void bench_events(void)
{
	self();
	ports();
	if (others)
		return;			/* the second vCPU has something else to do */
	if (HC3(vcpu_op, VCPUOP_is_up, 1, 0) < 0) {
		print("bench has no second vCPU\n");
		return;
	}
	answer.port = bind_ipi(0);
	to_second.port = bind_ipi(1);
	event_keep_0 &= ~(1ul << answer.port);
	event_keep_1 &= ~(1ul << to_second.port);
	row("send-other-masked", send_masked, &to_second, 0);
	second_vcpu_start();
	unmask(answer.port);
	unmask(to_second.port);
	row("ping-pong", ping_pong, &(struct ping){ to_second, answer.port }, 2 * OWN_EVENT + 12);
}
