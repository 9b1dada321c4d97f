/* SPDX-License-Identifier: MIT */
/*
 * sched_op: giving up the CPU, waiting for an event, waiting for one of several ports.
 *
 * The guest sleeps with and without something to wake it, with upcalls masked and not, and measures
 * how long it slept.
 */
#define TOPIC "sched"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"

static long poll(const evtchn_port_t *ports, unsigned int nr, uint64_t timeout)
{
	struct sched_poll p = { .nr_ports = nr, .timeout = timeout };

	p.ports.p = (evtchn_port_t *)ports;
	return HC2(sched_op, SCHEDOP_poll, &p);
}

/* A vCPU that waits by turning would keep a processor of the host's from other tests. */
static void sleep_until(uint64_t until)
{
	while (clock_ns() < until)
		CHECK_OK(poll(NULL, 0, until));
}

CLAIM(yield, "yield is 0 and comes back")
{
	for (unsigned int i = 0; i < 100; i++)
		CHECK_OK(HC2(sched_op, SCHEDOP_yield, 0));
}

CLAIM(block_until_timer, "block sleeps until the timer's event and answers 0")
{
	uint64_t before = clock_ns();

	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	CHECK_OK(timer_set(before + 20 * MS_NS));
	CHECK_OK(HC2(sched_op, SCHEDOP_block, 0));
	CHECK(clock_ns() >= before + 19 * MS_NS);
	CHECK_EQ(evtchn_count[timer_port], 1);
}

CLAIM(block_unmasks, "block with upcalls masked unmasks them, so the event that ends it is "
      "delivered")
{
	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	upcalls_mask();
	CHECK_OK(timer_set(clock_ns() + 10 * MS_NS));
	CHECK_OK(HC2(sched_op, SCHEDOP_block, 0));
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_EQ(evtchn_count[timer_port], 1);
}

CLAIM(block_with_pending, "block does not sleep when an event is already pending")
{
	int port = port_bind_ipi(0);
	uint64_t before;

	CHECK(port > 0);
	upcalls_mask();
	port_unmask((uint32_t)port);
	CHECK_OK(port_send((uint32_t)port));
	if (timer_port)
		CHECK_OK(timer_set(clock_ns() + 10000 * MS_NS));
	before = clock_ns();
	CHECK_OK(HC2(sched_op, SCHEDOP_block, 0));
	CHECK(clock_ns() < before + 8000 * MS_NS);
	CHECK_EQ(evtchn_count[port], 1);
}

CLAIM(poll_pending, "poll on a pending port answers at once, masked or not, and consumes nothing")
{
	int port = port_bind_ipi(0);
	evtchn_port_t p = (evtchn_port_t)port;

	CHECK(port > 0);
	CHECK_OK(port_send(p));		/* the port is masked */
	CHECK_OK(poll(&p, 1, 0));
	CHECK(port_pending(p));
	CHECK_OK(poll(&p, 1, 0));
	CHECK(port_pending(p));
	CHECK_EQ(evtchn_count[p], 0);
}

CLAIM(poll_timeout, "poll on a silent port ends at its absolute timeout with 0")
{
	int port = port_bind_ipi(0);
	evtchn_port_t p = (evtchn_port_t)port;
	uint64_t before = clock_ns();

	CHECK(port > 0);
	CHECK_OK(poll(&p, 1, before + 20 * MS_NS));
	CHECK(clock_ns() >= before + 19 * MS_NS);
	CHECK(clock_ns() < before + 5000 * MS_NS);
	CHECK(!port_pending(p));
}

CLAIM(poll_timeout_past, "poll with a timeout in the past answers at once")
{
	int port = port_bind_ipi(0);
	evtchn_port_t p = (evtchn_port_t)port;
	uint64_t before = clock_ns();

	CHECK(port > 0);
	CHECK_OK(poll(&p, 1, 1));
	CHECK(clock_ns() < before + 5000 * MS_NS);
}

CLAIM(poll_woken, "poll is woken by an event on a masked port, here the timer's")
{
	evtchn_port_t p = timer_port;
	uint64_t before = clock_ns();

	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	port_mask(p);
	CHECK_OK(timer_set(before + 20 * MS_NS));
	CHECK_OK(poll(&p, 1, before + 10000 * MS_NS));
	CHECK(port_pending(p));
	CHECK_EQ(evtchn_count[p], 0);
	CHECK(clock_ns() < before + 5000 * MS_NS);
}

CLAIM(poll_several, "poll on several ports answers when any of them is pending")
{
	evtchn_port_t ports[8];

	for (unsigned int i = 0; i < 8; i++) {
		int port = port_bind_ipi(0);

		CHECK(port > 0);
		ports[i] = (evtchn_port_t)port;
	}
	CHECK_OK(port_send(ports[7]));
	CHECK_OK(poll(ports, 8, clock_ns() + 5000 * MS_NS));
	CHECK(port_pending(ports[7]));
	CHECK(!port_pending(ports[0]));
}

CLAIM(poll_refusals, "poll refuses more than 128 ports, port numbers beyond the last, and an "
      "unreadable list")
{
	evtchn_port_t p = 0x7fffffff;

	CHECK_ERR(poll(&p, 129, 1), XEN_EINVAL);
	CHECK_ERR(poll(&p, 0xffffffff, 1), XEN_EINVAL);
	CHECK_ERR(poll(&p, 1, 1), XEN_EINVAL);
	CHECK_ERR(poll(UNMAPPED_POINTER, 1, 1), XEN_EFAULT);
	CHECK_ERR(poll(HYPERVISOR_POINTER, 1, 1), XEN_EFAULT);
}

CLAIM(poll_every_port, "poll with every port number from 0 to 5000 answers 0 or -EINVAL, and goes "
      "on")
{
	for (evtchn_port_t p = 0; p < 5000; p++) {
		long rc = poll(&p, 1, 1);

		CHECK(rc == 0 || rc == -XEN_EINVAL);
	}
}

CLAIM(unknown, "an unknown sched_op is -ENOSYS")
{
	CHECK_ERR(HC2(sched_op, 8, 0), XEN_ENOSYS);
	CHECK_ERR(HC2(sched_op, 1000, 0), XEN_ENOSYS);
}

CLAIM_DOM0(remote_shutdown_refused, "remote_shutdown is -ESRCH for a domain that does not exist")
{
	struct sched_remote_shutdown r = { .domain_id = 1234, .reason = SHUTDOWN_crash };

	CHECK_ERR(HC2(sched_op, SCHEDOP_remote_shutdown, &r), NO_SUCH_DOMAIN);
	r.domain_id = DOMID_SELF;
	CHECK_ERR(HC2(sched_op, SCHEDOP_remote_shutdown, &r), NO_SUCH_DOMAIN);
	CHECK_ERR(HC2(sched_op, SCHEDOP_remote_shutdown, UNMAPPED_POINTER), XEN_EFAULT);
}

/* As Linux takes it: Xen answers -ENOSPC in 32 bits. */
static int watchdog(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog w = { .id = id, .timeout = seconds };

	return (int)HC2(sched_op, SCHEDOP_watchdog, &w);
}

CLAIM(watchdog, "there are two watchdogs; they can be set anew and put away; a third is -ENOSPC, "
		"one that is not there -EINVAL")
{
	CHECK_ERR(watchdog(99, 10), XEN_EINVAL);
	CHECK_ERR(watchdog(1, 10), XEN_EINVAL);
	CHECK_EQ(watchdog(0, 1000), 1);
	CHECK_EQ(watchdog(0, 1000), 2);
	CHECK_ERR(watchdog(0, 1000), XEN_ENOSPC);
	CHECK_OK(watchdog(2, 2000));
	CHECK_ERR(watchdog(3, 1000), XEN_EINVAL);
	CHECK_OK(watchdog(1, 0));
	CHECK_ERR(watchdog(1, 0), XEN_EINVAL);
	CHECK_ERR(watchdog(1, 5), XEN_EINVAL);
	CHECK_EQ(watchdog(0, 1000), 1);
	CHECK_OK(watchdog(1, 0));
	CHECK_OK(watchdog(2, 0));
	CHECK_ERR(HC2(sched_op, SCHEDOP_watchdog, UNMAPPED_POINTER), XEN_EFAULT);
}

CLAIM(watchdog_fed,
      "a watchdog of one second that is set anew eight times in two seconds does not bite")
{
	CHECK_EQ(watchdog(0, 1), 1);
	for (unsigned int i = 0; i < 8; i++) {
		sleep_until(clock_ns() + 250 * MS_NS);
		CHECK_OK(watchdog(1, 1));
	}
	CHECK_OK(watchdog(1, 0));
}

CLAIM(watchdog_put_away, "a watchdog of one second that is put away does not bite, nor does one "
			 "that is given more time")
{
	CHECK_EQ(watchdog(0, 1), 1);
	CHECK_EQ(watchdog(0, 1), 2);
	CHECK_OK(watchdog(1, 0));
	CHECK_OK(watchdog(2, 1000));
	sleep_until(clock_ns() + 1500 * MS_NS);
	CHECK_OK(watchdog(2, 0));
}
