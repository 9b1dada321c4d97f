/* SPDX-License-Identifier: MIT */
/*
 * shared_info, ports, upcalls by a vector, time. Each claim runs with interrupts off.
 */
#define TOPIC "events"
#include "claim.h"
#include "machine.h"
#include "text.h"

static void ensure_events(void)
{
	if (!shared)
		CHECK_OK(events_init());
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	for (unsigned i = 0; i < 64; i++) {
		shared->evtchn_mask[i] = ~0ul;
		shared->evtchn_pending[i] = 0;
	}
	upcalls = 0;
}

static uint32_t bind_ipi(void)
{
	struct evtchn_bind_ipi op = { .vcpu = 0 };

	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_ipi, &op));
	shared->evtchn_mask[op.port / 64] &= ~(1ul << op.port % 64);
	return op.port;
}

static bool is_pending(uint32_t port)
{
	return shared->evtchn_pending[port / 64] >> port % 64 & 1;
}

static void send(uint32_t port)
{
	struct evtchn_send op = { .port = port };

	CHECK_OK(HC2(event_channel_op, EVTCHNOP_send, &op));
}

static void close_port(uint32_t port)
{
	struct evtchn_close op = { .port = port };

	CHECK_OK(HC2(event_channel_op, EVTCHNOP_close, &op));
}

#define WINDOW() asm volatile("sti; nop; nop; nop; cli" : : : "memory")

CLAIM(shared_info, "shared_info is put behind a page of ours, in place of what was there")
{
	struct xen_add_to_physmap map = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info };
	volatile struct shared_info *before;

	ensure_events();
	before = shared;
	CHECK(before->vcpu_info[0].time.tsc_to_system_mul);
	map.gpfn = (uint64_t)page_alloc() >> 12;
	CHECK_OK(HC2(memory_op, XENMEM_add_to_physmap, &map));
	shared = (void *)(map.gpfn << 12);
	CHECK(shared->vcpu_info[0].time.tsc_to_system_mul);
}

CLAIM(upcall, "an event is an interrupt by the callback's vector, once interrupts are on")
{
	uint32_t port;

	ensure_events();
	port = bind_ipi();
	send(port);
	CHECK(is_pending(port));
	CHECK_EQ(upcalls, 0);
	WINDOW();
	CHECK_EQ(upcalls, 1);
	WINDOW();
	CHECK_EQ(upcalls, 1);
	close_port(port);
}

CLAIM(on, "with interrupts on it comes at once")
{
	uint32_t port;

	ensure_events();
	port = bind_ipi();
	asm volatile("sti" : : : "memory");
	send(port);
	asm volatile("nop; nop; cli" : : : "memory");
	CHECK_EQ(upcalls, 1);
	close_port(port);
}

CLAIM(masked, "a port that is masked becomes pending, and is no upcall until it is unmasked")
{
	struct evtchn_unmask op;
	uint32_t port;

	ensure_events();
	port = bind_ipi();
	shared->evtchn_mask[port / 64] |= 1ul << port % 64;
	send(port);
	WINDOW();
	CHECK(is_pending(port));
	CHECK_EQ(upcalls, 0);
	op.port = port;
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &op));
	WINDOW();
	CHECK_EQ(upcalls, 1);
	close_port(port);
}

static uint64_t system_time(void)
{
	volatile struct vcpu_time_info *t = &shared->vcpu_info[0].time;
	uint64_t ns, delta;
	uint32_t version;

	do {
		version = t->version;
		asm volatile("lfence; rdtsc; shl $32, %%rdx; or %%rdx, %%rax"
			     : "=a"(delta) : : "rdx", "memory");
		delta -= t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time +
		     (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
	} while (version & 1 || version != t->version);
	return ns;
}

CLAIM(timer, "a timer that is due ends a halt, not before its time")
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct vcpu_set_singleshot_timer op = { 0 };
	uint64_t now;

	ensure_events();
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_virq, &virq));
	shared->evtchn_mask[virq.port / 64] &= ~(1ul << virq.port % 64);
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0));
	WINDOW();			/* a tick of it that has come already */
	for (int i = 0; i < 3; i++) {
		upcalls = 0;
		shared->evtchn_pending[virq.port / 64] = 0;
		op.timeout_abs_ns = system_time() + 5000000;
		CHECK_OK(HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &op));
		while (!upcalls)
			asm volatile("sti; hlt; cli" : : : "memory");
		now = system_time();
		CHECK_SAY(now >= op.timeout_abs_ns, "%lu ns early", op.timeout_abs_ns - now);
		CHECK(is_pending(virq.port));
	}
	close_port(virq.port);
}

CLAIM(spin, "a timer that is due stops code that does nothing to leave guest mode")
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct vcpu_set_singleshot_timer op = { 0 };
	uint64_t end;

	ensure_events();
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0));
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_virq, &virq));
	shared->evtchn_mask[virq.port / 64] &= ~(1ul << virq.port % 64);
	op.timeout_abs_ns = system_time() + 5000000;
	end = op.timeout_abs_ns + 3000000000;
	CHECK_OK(HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &op));
	asm volatile("sti" : : : "memory");
	while (!upcalls && system_time() < end)
		;
	asm volatile("cli" : : : "memory");
	CHECK_EQ(upcalls, 1);
	close_port(virq.port);
}

CLAIM(block, "SCHEDOP_block ends with an upcall, SCHEDOP_poll with a pending port that is masked")
{
	struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };
	struct vcpu_set_singleshot_timer op = { 0 };
	struct sched_poll poll = { .nr_ports = 1 };

	ensure_events();
	CHECK_OK(HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0));
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_virq, &virq));
	shared->evtchn_mask[virq.port / 64] &= ~(1ul << virq.port % 64);
	op.timeout_abs_ns = system_time() + 3000000;
	CHECK_OK(HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &op));
	asm volatile("sti" : : : "memory");
	for (unsigned i = 0; i < 1000 && !upcalls; i++)
		CHECK_OK(HC2(sched_op, SCHEDOP_block, 0));
	asm volatile("cli" : : : "memory");
	CHECK(system_time() >= op.timeout_abs_ns);
	CHECK_EQ(upcalls, 1);
	shared->evtchn_mask[virq.port / 64] |= 1ul << virq.port % 64;
	shared->evtchn_pending[virq.port / 64] = 0;
	op.timeout_abs_ns = system_time() + 3000000;
	CHECK_OK(HC3(vcpu_op, VCPUOP_set_singleshot_timer, 0, &op));
	set_xen_guest_handle(poll.ports, &virq.port);
	/* An event from another domain, as of a console that is read, may end it early. */
	for (unsigned i = 0; i < 1000 && !is_pending(virq.port); i++)
		CHECK_OK(HC2(sched_op, SCHEDOP_poll, &poll));
	CHECK(is_pending(virq.port) && system_time() >= op.timeout_abs_ns);
	close_port(virq.port);
}

CLAIM(no_block, "a control block for FIFO where no page is: refused, and nothing is left of it")
{
	struct evtchn_init_control init = { .control_gfn = ~1ul };
	struct evtchn_expand_array expand = { .array_gfn = (uint64_t)page_alloc() >> 12 };
	long rc;

	ensure_events();
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_init_control, &init), XEN_EINVAL);
	rc = HC2(event_channel_op, EVTCHNOP_expand_array, &expand);
	CHECK(rc == -XEN_ENOSYS || rc == -XEN_EOPNOTSUPP);
}

CLAIM(behind, "an upcall and an interrupt of the local APIC are both due: both come, by no exit")
{
	uint32_t port = bind_ipi();
	unsigned before = interrupts[0x62];

	ensure_events();
	shared->evtchn_mask[port / 64] &= ~(1ul << port % 64);
	apic_write(0xf0, 0x1ff);
	send(port);
	apic_write(0x300, 1u << 18 | 0x62);
	/* longer than QEMU may take, shorter than a turn */
	asm volatile("sti; mov $100000, %%ecx; 1: dec %%ecx; jnz 1b; cli" : : : "rcx", "memory");
	CHECK_EQ(upcalls, 1);
	CHECK_EQ(interrupts[0x62], before + 1);
	close_port(port);
}

CLAIM(many, "a thousand events with interrupts on: each is an upcall")
{
	uint32_t port;

	ensure_events();
	port = bind_ipi();
	asm volatile("sti" : : : "memory");
	for (unsigned i = 0; i < 1000; i++) {
		send(port);
		asm volatile("nop" : : : "memory");
		shared->evtchn_pending[port / 64] = 0;
	}
	asm volatile("cli" : : : "memory");
	CHECK_EQ(upcalls, 1000);
	close_port(port);
}
