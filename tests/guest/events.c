/* SPDX-License-Identifier: MIT */
/*
 * Events: upcall handling and port bookkeeping.
 */
#include "events.h"
#include "claim.h"
#include "memory.h"
#include "text.h"

volatile uint32_t evtchn_count[NR_PORTS];
volatile uint32_t upcall_count;
volatile uint64_t upcall_frame[5];
volatile uint8_t upcall_mask_inside;
volatile uint64_t upcall_rflags_inside;
void (*upcall_hook)(void);
bool events_use_fifo;
uint32_t timer_port;

static bool opened[NR_PORTS];

/* Bit operations on shared_info: the hypervisor changes the same words, so all are locked. */
static void bit_set(volatile void *base, uint32_t n)
{
	asm volatile("lock btsl %1, %0" : "+m"(*(volatile uint8_t *)base) : "r"(n) : "memory");
}

static void bit_clear(volatile void *base, uint32_t n)
{
	asm volatile("lock btrl %1, %0" : "+m"(*(volatile uint8_t *)base) : "r"(n) : "memory");
}

static bool bit_test(const volatile void *base, uint32_t n)
{
	return (((const volatile uint64_t *)base)[n / 64] >> (n % 64)) & 1;
}

void events_upcall(const uint64_t *hw)
{
	uint64_t flags, sel = 0;

	asm volatile("pushfq; pop %0" : "=r"(flags));
	upcall_rflags_inside = flags;
	upcall_mask_inside = vcpu_info->evtchn_upcall_mask;
	upcall_count++;
	for (unsigned int i = 0; i < 5; i++)
		upcall_frame[i] = hw[i];

	vcpu_info->evtchn_upcall_pending = 0;
	asm volatile("xchgq %0, %1" : "+r"(sel), "+m"(vcpu_info->evtchn_pending_sel) : : "memory");
	for (; sel; sel &= sel - 1) {
		unsigned int word = (unsigned int)__builtin_ctzll(sel);
		uint64_t ready = shared->evtchn_pending[word] & ~shared->evtchn_mask[word];

		for (; ready; ready &= ready - 1) {
			uint32_t port = word * 64 + (uint32_t)__builtin_ctzll(ready);

			port_clear(port);
			evtchn_count[port]++;
		}
	}
	if (timer_port && evtchn_count[timer_port])
		harness_timer();
	if (upcall_hook) {
		void (*hook)(void) = upcall_hook;

		upcall_hook = NULL;
		hook();
	}
}

void events_init(void)
{
	int rc;

	memset((void *)shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	rc = port_bind_virq(VIRQ_TIMER, 0);
	if (rc > 0) {
		timer_port = (uint32_t)rc;
		opened[timer_port] = false;	/* ours for ever */
	}
}

void events_lost(void)
{
	memset(opened, 0, sizeof(opened));
	timer_port = 0;
	events_init();
}

static void leave_fifo(void)
{
	struct evtchn_reset op = { .dom = DOMID_SELF };

	if (!events_use_fifo)
		return;
	HC2(event_channel_op, EVTCHNOP_reset, &op);
	events_use_fifo = false;
	events_lost();
}

void events_reset(void)
{
	upcalls_mask();
	leave_fifo();
	for (uint32_t p = 1; p < NR_PORTS; p++) {
		if (opened[p])
			port_close(p);
		evtchn_count[p] = 0;
	}
	upcall_count = 0;
	upcall_hook = NULL;
	for (unsigned int i = 0; i < 64; i++)
		shared->evtchn_mask[i] = ~0ul;
	/* A selector bit left set would swallow the next event of its word. */
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
	if (timer_port) {
		port_clear(timer_port);
		port_unmask(timer_port);
	}
	upcalls_unmask();
}

void upcalls_mask(void)
{
	vcpu_info->evtchn_upcall_mask = 1;
	asm volatile("" : : : "memory");
}

void upcalls_unmask(void)
{
	vcpu_info->evtchn_upcall_mask = 0;
	asm volatile("" : : : "memory");
	if (vcpu_info->evtchn_upcall_pending)
		HC2(xen_version, XENVER_version, 0);
}

void port_mask(uint32_t port)
{
	bit_set(shared->evtchn_mask, port);
}

void port_unmask(uint32_t port)
{
	bit_clear(shared->evtchn_mask, port);
}

bool port_pending(uint32_t port)
{
	return bit_test(shared->evtchn_pending, port);
}

void port_clear(uint32_t port)
{
	bit_clear(shared->evtchn_pending, port);
}

/* Remember @port for events_reset(), masked and not pending. */
static int opened_port(long rc, uint32_t port)
{
	if (rc)
		return (int)rc;
	if (port && port < NR_PORTS) {
		opened[port] = true;
		port_clear(port);
	}
	return (int)port;
}

int port_bind_ipi(uint32_t vcpu)
{
	struct evtchn_bind_ipi op = { .vcpu = vcpu };
	long rc = HC2(event_channel_op, EVTCHNOP_bind_ipi, &op);

	return opened_port(rc, op.port);
}

int port_bind_virq(uint32_t virq, uint32_t vcpu)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	long rc = HC2(event_channel_op, EVTCHNOP_bind_virq, &op);

	return opened_port(rc, op.port);
}

int port_bind_pirq(uint32_t pirq, uint32_t flags)
{
	struct evtchn_bind_pirq op = { .pirq = pirq, .flags = flags };
	long rc = HC2(event_channel_op, EVTCHNOP_bind_pirq, &op);

	return opened_port(rc, op.port);
}

int port_alloc_unbound(domid_t remote)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };
	long rc = HC2(event_channel_op, EVTCHNOP_alloc_unbound, &op);

	return opened_port(rc, op.port);
}

int port_bind_interdomain(domid_t remote, uint32_t remote_port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
	long rc = HC2(event_channel_op, EVTCHNOP_bind_interdomain, &op);

	return opened_port(rc, op.local_port);
}

long port_close(uint32_t port)
{
	struct evtchn_close op = { .port = port };

	if (port < NR_PORTS)
		opened[port] = false;
	return HC2(event_channel_op, EVTCHNOP_close, &op);
}

long port_send(uint32_t port)
{
	struct evtchn_send op = { .port = port };

	return HC2(event_channel_op, EVTCHNOP_send, &op);
}

long port_status(uint32_t port, struct evtchn_status *status)
{
	memset(status, 0, sizeof(*status));
	status->dom = DOMID_SELF;
	status->port = port;
	return HC2(event_channel_op, EVTCHNOP_status, status);
}

long timer_set(uint64_t ns)
{
	return HC1(set_timer_op, ns);
}
