/* SPDX-License-Identifier: MIT */
/*
 * Events: ports, their states, and how an upcall reaches the guest.
 *
 * The rule of the two-level ABI: pending is set by the hypervisor and cleared by the guest, mask
 * belongs to the guest, an upcall comes once, with upcalls masked, when an unmasked port becomes
 * pending. The guest sends to itself by every kind of port, with every combination of masks, and
 * counts.
 */
#define TOPIC "events"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

static uint32_t ipi(void)
{
	int port = port_bind_ipi(0);

	CHECK_SAY(port > 0, "bind_ipi answered %d", port);
	return (uint32_t)port;
}

CLAIM(ipi_to_self, "an IPI to ourselves is delivered before the hypercall that sent it returns")
{
	uint32_t p = ipi();

	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(upcall_count, 1);
	CHECK(!port_pending(p));
}

CLAIM(upcall_frame, "an upcall runs with upcalls masked, at e033, and its frame says kernel mode, "
      "mask 0, IF 1")
{
	uint32_t p = ipi();

	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_EQ(upcall_count, 1);
	CHECK_EQ(upcall_mask_inside, 1);
	CHECK_EQ(upcall_frame[1] & 0xffff, FLAT_KERNEL_CS & ~3);
	CHECK_EQ((upcall_frame[1] >> 32) & 0xff, 0);
	CHECK_EQ(upcall_frame[2] & 0x200, 0x200);
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);	/* after iret */
}

CLAIM(registers_survive, "an event at the end of a hypercall changes no register, the result "
			 "included; RCX and R11 are rip and rflags, in its frame too")
{
	uint32_t p = ipi();
	int64_t version = HC2(xen_version, XENVER_version, 0), result;
	uint64_t bad;

	upcalls_mask();
	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_EQ(upcall_count, 0);
	vcpu_info->evtchn_upcall_mask = 0;
	asm volatile("push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
		     "mov $17, %%eax; mov $22, %%ebx; mov $44, %%edx; mov $55, %%esi\n\t"
		     "xor %%edi, %%edi; mov $77, %%ebp; mov $8, %%r8d; mov $9, %%r9d\n\t"
		     "mov $10, %%r10d\n\t"
		     "mov $12, %%r12d; mov $13, %%r13d; mov $14, %%r14d; mov $15, %%r15d\n\t"
		     "syscall\n\t"
		     "1: pushfq; sub %%r11, (%%rsp); pop %%r11\n\t"
		     "push %%rax; lea 1b(%%rip), %%rax; sub %%rax, %%rcx; pop %%rax\n\t"
		     "sub $22, %%rbx; sub $44, %%rdx; sub $55, %%rsi; sub $77, %%rbp\n\t"
		     "sub $8, %%r8; sub $9, %%r9; sub $10, %%r10\n\t"
		     "sub $12, %%r12; sub $13, %%r13; sub $14, %%r14; sub $15, %%r15\n\t"
		     "or %%rbx, %%rcx; or %%rdx, %%rcx; or %%rsi, %%rcx; or %%rdi, %%rcx\n\t"
		     "or %%rbp, %%rcx; or %%r8, %%rcx; or %%r9, %%rcx; or %%r10, %%rcx\n\t"
		     "or %%r11, %%rcx; or %%r12, %%rcx; or %%r13, %%rcx; or %%r14, %%rcx\n\t"
		     "or %%r15, %%rcx\n\t"
		     "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx"
		     : "=&c"(bad), "=&a"(result)
		     : : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(upcall_count, 1);
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(result, version);
	CHECK_EQ(bad, 0);
}

/* A yield looks for work on its way out. */
CLAIM(call_behind_iret, "a yield right behind an exception's iret leaves RIP and RFLAGS in RCX and "
			"R11, as any hypercall does")
{
	uint64_t bad;

	trap_clear();
	asm volatile("mov $3, %%ecx; mov $11, %%r11d\n\t"
		     TRY_ASM("ud2")
		     "mov $29, %%eax; xor %%edi, %%edi; xor %%esi, %%esi\n\t"
		     "syscall\n\t"
		     "3: pushfq; sub %%r11, (%%rsp); pop %%r11\n\t"
		     "lea 3b(%%rip), %%rax; sub %%rax, %%rcx; or %%r11, %%rcx"
		     : "=&c"(bad)
		     : : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(bad, 0);
}

CLAIM(masked_upcall, "with upcalls masked an event sets all three pending words and waits; "
      "unmasking and a hypercall deliver it")
{
	uint32_t p = ipi();

	upcalls_mask();
	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_EQ(upcall_count, 0);
	CHECK(port_pending(p));
	CHECK(vcpu_info->evtchn_pending_sel & 1ul << p / 64);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 1);
	vcpu_info->evtchn_upcall_mask = 0;
	CHECK_EQ(HC2(xen_version, XENVER_version, 0), hypervisor_version);
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 0);
}

CLAIM(masked_port, "a masked port becomes pending but raises no upcall and sets no selector bit")
{
	uint32_t p = ipi();

	CHECK_OK(port_send(p));
	CHECK(port_pending(p));
	CHECK_EQ(vcpu_info->evtchn_pending_sel & 1ul << p / 64, 0);
	CHECK_EQ(upcall_count, 0);
}

CLAIM(unmask_op, "EVTCHNOP_unmask of a pending port delivers it")
{
	uint32_t p = ipi();
	struct evtchn_unmask op = { .port = p };

	CHECK_OK(port_send(p));
	CHECK_EQ(evtchn_count[p], 0);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &op));
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(shared->evtchn_mask[p / 64] >> p % 64 & 1, 0);
}

CLAIM(once, "two sends before the guest looks are one delivery")
{
	uint32_t p = ipi();

	upcalls_mask();
	port_unmask(p);
	CHECK_OK(port_send(p));
	CHECK_OK(port_send(p));
	upcalls_unmask();
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(upcall_count, 1);
}

CLAIM(several_ports, "twenty ports sent while masked arrive in one upcall, each once")
{
	uint32_t p[20];

	upcalls_mask();
	for (unsigned int i = 0; i < 20; i++) {
		p[i] = ipi();
		port_unmask(p[i]);
		CHECK_OK(port_send(p[i]));
	}
	upcalls_unmask();
	for (unsigned int i = 0; i < 20; i++)
		CHECK_EQ(evtchn_count[p[i]], 1);
	CHECK_EQ(upcall_count, 1);
}

CLAIM(after_iret, "an event that arrives while an exception handler runs masked is delivered at "
      "its iret")
{
	uint32_t p = ipi();
	struct trap_info t[2] = { { TRAP_UD, 4, FLAT_KERNEL_CS, trap_stub(TRAP_UD) } };

	/* Sent with upcalls masked; the return from the exception unmasks by its frame. */
	CHECK_OK(HC1(set_trap_table, t));
	port_unmask(p);
	upcalls_mask();
	CHECK_OK(port_send(p));
	CHECK_EQ(upcall_count, 0);
	trap_set_if = true;
	CHECK_TRAP(TRAP_UD, "ud2", : : : "memory");
	CHECK_EQ(vcpu_info->evtchn_upcall_mask, 0);
	CHECK_EQ(evtchn_count[p], 1);
}

CLAIM(after_iret_registers, "an event that is delivered at an exception's iret changes no register")
{
	uint32_t p = ipi();
	struct trap_info t[2] = { { TRAP_UD, 4, FLAT_KERNEL_CS, trap_stub(TRAP_UD) } };
	uint64_t bad = 0;

	CHECK_OK(HC1(set_trap_table, t));
	port_unmask(p);
	upcalls_mask();
	CHECK_OK(port_send(p));
	trap_clear();
	trap_set_if = true;
	asm volatile("mov $1, %%eax; mov $3, %%ecx; mov $4, %%edx; mov $5, %%esi; mov $6, %%edi\n\t"
		     "mov $8, %%r8d; mov $9, %%r9d; mov $10, %%r10d; mov $11, %%r11d\n\t"
		     TRY_ASM("ud2")
		     "dec %%rax; sub $3, %%rcx; sub $4, %%rdx; sub $5, %%rsi; sub $6, %%rdi\n\t"
		     "sub $8, %%r8; sub $9, %%r9; sub $10, %%r10; sub $11, %%r11\n\t"
		     "or %%rcx, %%rax; or %%rdx, %%rax; or %%rsi, %%rax; or %%rdi, %%rax\n\t"
		     "or %%r8, %%rax; or %%r9, %%rax; or %%r10, %%rax; or %%r11, %%rax"
		     : "=&a"(bad)
		     : : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK_EQ(trap_last.vector, TRAP_UD);
	CHECK_EQ(evtchn_count[p], 1);
	CHECK_EQ(bad, 0);
}

CLAIM(stray_pending, "upcall_pending set by the guest itself gives one empty upcall")
{
	upcalls_mask();
	vcpu_info->evtchn_upcall_pending = 1;
	upcalls_unmask();
	CHECK_EQ(upcall_count, 1);
	CHECK_EQ(vcpu_info->evtchn_upcall_pending, 0);
}

CLAIM(interdomain_to_self, "an unbound port for ourselves can be bound by ourselves; a send at one "
      "end arrives at the other")
{
	int a = port_alloc_unbound(DOMID_SELF), b;
	struct evtchn_status s;

	CHECK(a > 0);
	CHECK_OK(port_status((uint32_t)a, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	b = port_bind_interdomain(DOMID_SELF, (uint32_t)a);
	CHECK(b > 0 && b != a);
	CHECK_OK(port_status((uint32_t)a, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.port, (uint32_t)b);
	if (start->flags & SIF_INITDOMAIN)
		CHECK_EQ(s.u.interdomain.dom, 0);
	port_unmask((uint32_t)a);
	port_unmask((uint32_t)b);
	upcall_count = evtchn_count[a] = evtchn_count[b] = 0;
	CHECK_OK(port_send((uint32_t)b));
	CHECK_EQ(evtchn_count[a], 1);
	CHECK_EQ(evtchn_count[b], 0);
	CHECK_OK(port_send((uint32_t)a));
	CHECK_EQ(evtchn_count[b], 1);
	/* Closing one end makes the other unbound again. */
	CHECK_OK(port_close((uint32_t)b));
	CHECK_OK(port_status((uint32_t)a, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
}

CLAIM(bound_pending, "the end that is bound is pending at once, for what was sent before; the "
      "other one is not")
{
	int a = port_alloc_unbound(DOMID_SELF);
	struct evtchn_bind_interdomain op = { DOMID_SELF, (uint32_t)a, 0 };
	bool pending;

	CHECK(a > 0);
	CHECK_OK(port_send((uint32_t)a));
	/* Not by port_bind_interdomain(), which clears it. */
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_interdomain, &op));
	pending = port_pending(op.local_port);
	CHECK_OK(port_close(op.local_port));
	CHECK(pending);
	CHECK(!port_pending((uint32_t)a));
}

CLAIM(unbound_for_another, "a port may be for a domain that is not there: we cannot bind it, and a "
      "send on it goes nowhere")
{
	int p = port_alloc_unbound(1234);
	struct evtchn_status s;

	CHECK(p > 0);
	CHECK_OK(port_status((uint32_t)p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(s.u.unbound.dom, 1234);
	CHECK_ERR(port_bind_interdomain(DOMID_SELF, (uint32_t)p), XEN_EINVAL);
	CHECK_OK(port_send((uint32_t)p));
	CHECK(!port_pending((uint32_t)p));
	CHECK_OK(port_close((uint32_t)p));
}

CLAIM(own_number, "our own number means ourselves in alloc_unbound and status; a remote of "
      "DOMID_SELF is the caller")
{
	struct evtchn_alloc_unbound op = { .dom = own_domid, .remote_dom = DOMID_SELF };
	struct evtchn_status s = { .dom = own_domid };
	int b;

	if (!(start->flags & SIF_INITDOMAIN))
		skip("not domain 0");
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &op));
	s.port = op.port;
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_status, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(s.u.unbound.dom, own_domid);
	b = port_bind_interdomain(own_domid, op.port);
	CHECK(b > 0);
	CHECK_OK(port_close((uint32_t)b));
	CHECK_OK(port_close(op.port));
}

CLAIM_DOM0(reset_of_nobody, "a reset of the ports of a domain that does not exist is -ESRCH")
{
	struct evtchn_reset op = { .dom = 1234 };

	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_reset, &op), NO_SUCH_DOMAIN);
}

CLAIM(global_virqs, "a global VIRQ is bound once, on vCPU 0; its port can move and closing it "
      "frees it")
{
	struct evtchn_bind_vcpu move = { .vcpu = 0 };
	int p = port_bind_virq(VIRQ_DOM_EXC, 0);

	CHECK(p > 0);
	CHECK_ERR(port_bind_virq(VIRQ_DOM_EXC, 0), XEN_EEXIST);
	CHECK_ERR(port_bind_virq(VIRQ_DOM_EXC, 1), XEN_EINVAL);
	move.port = (uint32_t)p;
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &move));
	CHECK_OK(port_close((uint32_t)p));
	p = port_bind_virq(VIRQ_DOM_EXC, 0);
	CHECK(p > 0);
}

CLAIM(declared, "what is sent to a port that the boot has declared arrives at the other domain's")
{
	const char *value = option("port=");
	uint32_t port = value ? (uint32_t)(*value - '0') : 0;
	struct evtchn_unmask unmask = { .port = port };
	struct evtchn_status s;

	if (!value)
		skip("no port= on the command line");
	CHECK_OK(port_status(port, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK(s.u.interdomain.dom != own_domid);
	evtchn_count[port] = 0;
	/* By the call: what has been sent already is pending. */
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &unmask));
	do {
		CHECK_OK(port_send(port));
		HC2(sched_op, SCHEDOP_yield, 0);
	} while (!evtchn_count[port]);
}

CLAIM(bind_interdomain_refusals, "bind_interdomain refuses ports that are not unbound for us and "
      "domains that do not exist")
{
	uint32_t p = ipi();

	CHECK_ERR(port_bind_interdomain(DOMID_SELF, p), XEN_EINVAL);
	CHECK_ERR(port_bind_interdomain(DOMID_SELF, 0), XEN_EINVAL);
	CHECK_ERR(port_bind_interdomain(DOMID_SELF, 0xffffffff), XEN_EINVAL);
	CHECK_ERR(port_bind_interdomain(1234, 1), XEN_ESRCH);
}

CLAIM_DOM0(alloc_unbound_refusals, "alloc_unbound for a domain that does not exist is -ESRCH")
{
	struct evtchn_alloc_unbound op = { .dom = 1234, .remote_dom = DOMID_SELF };

	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &op), NO_SUCH_DOMAIN);
}

CLAIM(send_unbound, "a send on an unbound port is 0 and goes nowhere")
{
	int a = port_alloc_unbound(DOMID_SELF);

	CHECK(a > 0);
	port_unmask((uint32_t)a);
	CHECK_OK(port_send((uint32_t)a));
	CHECK_EQ(upcall_count, 0);
}

CLAIM(virq_twice, "a VIRQ can be bound once: the second bind is -EEXIST")
{
	if (!timer_port)
		skip("VIRQ_TIMER cannot be bound");
	CHECK_ERR(port_bind_virq(VIRQ_TIMER, 0), XEN_EEXIST);
}

CLAIM(virq_refusals, "unknown VIRQs are -EINVAL, unknown vCPUs -ENOENT, global VIRQs off vCPU 0 "
      "-EINVAL")
{
	CHECK_ERR(port_bind_virq(NR_VIRQS, 0), XEN_EINVAL);
	CHECK_ERR(port_bind_virq(0xffffffff, 0), XEN_EINVAL);
	CHECK_ERR(port_bind_virq(VIRQ_TIMER, 4095), XEN_ENOENT);
	CHECK_ERR(port_bind_virq(VIRQ_CONSOLE, 1), XEN_EINVAL);
}

CLAIM(virq_status, "the status of a VIRQ's port names the VIRQ and its vCPU; closing it frees the "
      "VIRQ")
{
	struct evtchn_status s;
	int p = port_bind_virq(VIRQ_DEBUG, 0);

	CHECK(p > 0);
	CHECK_OK(port_status((uint32_t)p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_virq);
	CHECK_EQ(s.u.virq, VIRQ_DEBUG);
	CHECK_EQ(s.vcpu, 0);
	CHECK_OK(port_close((uint32_t)p));
	p = port_bind_virq(VIRQ_DEBUG, 0);
	CHECK(p > 0);
}

CLAIM(ipi_status, "the status of an IPI port says so; bind_ipi of an unknown vCPU is -ENOENT")
{
	struct evtchn_status s;
	uint32_t p = ipi();

	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_ipi);
	CHECK_EQ(s.vcpu, 0);
	CHECK_ERR(port_bind_ipi(4095), XEN_ENOENT);
	CHECK_ERR(port_bind_ipi(0xffffffff), XEN_ENOENT);
}

CLAIM(closed_port, "a closed port has status closed; closing, sending and unmasking it are -EINVAL")
{
	struct evtchn_status s;
	uint32_t p = ipi();
	struct evtchn_unmask u = { .port = 0x7fffffff };

	CHECK_OK(port_close(p));
	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_closed);
	CHECK_ERR(port_close(p), XEN_EINVAL);
	CHECK_ERR(port_send(p), XEN_EINVAL);
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_unmask, &u), XEN_EINVAL);
}

CLAIM(port_zero, "port 0 is reserved: closing and sending it are -EINVAL, and nothing is ever "
      "given it")
{
	CHECK_ERR(port_close(0), XEN_EINVAL);
	CHECK_ERR(port_send(0), XEN_EINVAL);
	CHECK(ipi() != 0);
}

CLAIM(port_out_of_range, "ports beyond the last are -EINVAL for close, send, status and bind_vcpu")
{
	struct evtchn_status s;
	struct evtchn_bind_vcpu b = { .port = 0x10000000, .vcpu = 0 };

	CHECK_ERR(port_close(0x10000000), XEN_EINVAL);
	CHECK_ERR(port_send(0x10000000), XEN_EINVAL);
	CHECK_ERR(port_send(0xffffffff), XEN_EINVAL);
	CHECK_ERR(port_status(0x10000000, &s), XEN_EINVAL);
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &b), XEN_EINVAL);
}

CLAIM_DOM0(status_of_nobody, "the status of a port of a domain that does not exist is -ESRCH")
{
	struct evtchn_status s = { .dom = 1234, .port = 1 };

	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_status, &s), NO_SUCH_DOMAIN);
}

CLAIM(bind_vcpu, "bind_vcpu moves interdomain ports, refuses IPIs, per-vCPU VIRQs and unknown "
      "vCPUs")
{
	int a = port_alloc_unbound(DOMID_SELF);
	struct evtchn_bind_vcpu b = { .port = (uint32_t)a, .vcpu = 0 };

	CHECK(a > 0);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &b));
	b.vcpu = 4095;
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &b), XEN_ENOENT);
	b.vcpu = 0;
	b.port = ipi();
	CHECK_ERR(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &b), XEN_EINVAL);
	if (timer_port) {
		b.port = timer_port;
		CHECK_ERR(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &b), XEN_EINVAL);
	}
}

CLAIM(port_reuse, "a closed port's number is used again, and starts out not pending")
{
	uint32_t p = ipi(), q;

	CHECK_OK(port_send(p));
	CHECK(port_pending(p));
	CHECK_OK(port_close(p));
	q = ipi();
	CHECK_EQ(q, p);
	CHECK(!port_pending(q));
}

CLAIM(many_ports, "500 ports can be open at once")
{
	for (unsigned int i = 0; i < 500; i++) {
		int p = port_bind_ipi(0);

		CHECK_SAY(p > 0, "port %u of 500: %d", i, p);
	}
}

CLAIM(fifo_optional, "FIFO event channels: a bad init_control is an error, not a crash; the "
      "two-level ABI stays")
{
	struct evtchn_init_control c = { .control_gfn = ~0ul, .offset = 0, .vcpu = 0 };
	long rc = HC2(event_channel_op, EVTCHNOP_init_control, &c);

	CHECK(rc == -XEN_EINVAL || rc == -XEN_ENOSYS);
	c.vcpu = 4095;
	rc = HC2(event_channel_op, EVTCHNOP_init_control, &c);
	CHECK(rc == -XEN_ENOENT || rc == -XEN_ENOSYS);
	CHECK_EQ(HC2(event_channel_op, EVTCHNOP_set_priority, UNMAPPED_POINTER) == 0, false);
}

CLAIM(bind_pirq_refusals, "bind_pirq of a number nobody mapped is an error")
{
	struct evtchn_bind_pirq b = { .pirq = 0xfffffff };
	long rc = HC2(event_channel_op, EVTCHNOP_bind_pirq, &b);

	CHECK(rc == -XEN_EINVAL || rc == -XEN_EPERM || rc == -XEN_ENOSYS);
}

CLAIM(unknown, "an unknown event_channel_op is -ENOSYS")
{
	CHECK_ERR(HC2(event_channel_op, 100, page_alloc()), XEN_ENOSYS);
}
