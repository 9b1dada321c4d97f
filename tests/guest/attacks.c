/* SPDX-License-Identifier: MIT */
/*
 * Attacks: ways for a guest to end its own life that have, in one hypervisor or another, ended the
 * machine's.
 *
 * None runs by default. Each is one boot: the guest announces the attack, does it, and must be
 * crashed by the hypervisor, which itself goes on ("not ok ... was survived" is printed by the
 * harness if the attack returns). Attacks that a correct hypervisor answers with an error instead
 * of a crash check the error and then end with "ok" and a poweroff.
 */
#include "claim.h"
#include "clock.h"
#include "events.h"
#include "memory.h"
#include "text.h"
#include "traps.h"
#include "user.h"

/* For attacks that a correct hypervisor refuses: the right end. */
static void __attribute__((noreturn)) survived(const char *how)
{
	struct sched_shutdown s = { .reason = SHUTDOWN_poweroff };

	print("ok 1 - %s, and the guest lives\n", how);
	for (;;)
		HC2(sched_op, SCHEDOP_shutdown, &s);
}

static void forget_all_handlers(void)
{
	CHECK_OK(HC1(set_trap_table, 0));
}

ATTACK(jump, "jump-to-hypervisor", "without handlers, execute at an address of the hypervisor")
{
	forget_all_handlers();
	asm volatile("jmp *%0" : : "r"(0xffff82d080200000ul));
}

ATTACK(jump_m2p, "jump-to-m2p", "without handlers, execute the machine-to-phys table")
{
	forget_all_handlers();
	asm volatile("jmp *%0" : : "r"(HYPERVISOR_VIRT_START));
}

ATTACK(triple, "triple-fault", "no handlers and a stack nobody can write to, then a fault")
{
	forget_all_handlers();
	asm volatile("mov %0, %%rsp; ud2" : : "r"(UNMAPPED_POINTER));
}

ATTACK(no_handler, "no-trap-handler", "an exception without a handler")
{
	forget_all_handlers();
	asm volatile("ud2");
}

ATTACK(stack_unmapped, "bad-stack-pointer",
       "an exception with handlers in place, but RSP at an unmapped page")
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(UNMAPPED_POINTER));
}

ATTACK(stack_hypervisor, "hypervisor-stack-pointer",
       "an exception with RSP in the hypervisor's range")
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(0xffff82d080a00000ul));
}

ATTACK(stack_boundary, "boundary-stack-pointer",
       "an exception with RSP just above the hypervisor's range")
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(HYPERVISOR_VIRT_END + 16));
}

ATTACK(stack_noncanonical, "noncanonical-stack-pointer", "an exception with a non-canonical RSP")
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(0x0000800000000000ul));
}

ATTACK(stack_read_only, "read-only-stack", "an exception with RSP in a read-only page")
{
	uint8_t *page = page_alloc();

	CHECK_OK(make_readonly(page));
	asm volatile("mov %0, %%rsp; ud2" : : "r"(page + PAGE_BYTES));
}

ATTACK(stack_m2p, "m2p-stack-pointer", "an exception with RSP in the machine-to-phys table")
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(HYPERVISOR_VIRT_START + 0x1000));
}

ATTACK(handler_fault_loop, "handler-fault-loop",
       "a page fault handler that is itself not mapped, until the stack is used up")
{
	struct trap_info t[2] = { { TRAP_PF, 0, FLAT_KERNEL_CS, ARG(UNMAPPED_POINTER) } };

	CHECK_OK(HC1(set_trap_table, t));
	(void)*(volatile uint8_t *)UNMAPPED_POINTER;
}

ATTACK(callback, "bad-callback", "an event callback in the hypervisor's range, then an event")
{
	struct callback_register r = {
		.type = CALLBACKTYPE_event, .address = 0xffff82d080200000ul,
	};
	uint32_t port = (uint32_t)port_bind_ipi(0);

	forget_all_handlers();
	if (HC2(callback_op, CALLBACKOP_register, &r)) {
		survived("the callback is refused");
	}
	port_unmask(port);
	port_send(port);
}

ATTACK(callback_none, "no-callback", "an event at the end of a hypercall, and no event callback")
{
	struct callback_register r = { .type = CALLBACKTYPE_event };
	uint32_t port = (uint32_t)port_bind_ipi(0);

	CHECK_OK(HC2(callback_op, CALLBACKOP_register, &r));
	port_unmask(port);
	port_send(port);
}

ATTACK(callback_stack, "event-without-stack",
       "an event at the end of a hypercall, with RSP at an unmapped page")
{
	struct evtchn_send send = { .port = (uint32_t)port_bind_ipi(0) };
	long rc = __HYPERVISOR_event_channel_op;

	port_unmask(send.port);
	asm volatile("mov %1, %%rsp; syscall"
		     : "+a"(rc) : "r"(UNMAPPED_POINTER), "D"(EVTCHNOP_send), "S"(&send)
		     : "rcx", "r11", "memory");
}

ATTACK(handler_hypervisor, "bad-trap-handler",
       "a trap handler in the hypervisor's range, then the trap")
{
	struct trap_info t[2] = { { TRAP_UD, 0, FLAT_KERNEL_CS, 0xffff82d080200000ul } };

	forget_all_handlers();
	if (HC1(set_trap_table, t)) {
		survived("the handler is refused");
	}
	asm volatile("ud2");
}

ATTACK(user_without_tables, "user-without-tables", "iret to user mode without user page tables")
{
	struct user_entry e = {
		.to = {
			.rip = USER_CODE, .cs = FLAT_USER_CS, .rflags = 0x202, .rsp = USER_STACK,
			.ss = FLAT_USER_SS,
		},
	};

	mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
	user_enter(&e);
}

ATTACK(user_bad_kernel_stack, "bad-kernel-stack",
       "a fault in user mode with a kernel stack nobody can write to")
{
	user_setup();
	user_stack_attack = ARG(UNMAPPED_POINTER);
	USER_RUN(ud2, 0);
}

ATTACK(user_hypervisor_kernel_stack, "hypervisor-kernel-stack",
       "a fault in user mode with a kernel stack in the hypervisor's range")
{
	user_setup();
	user_stack_attack = 0xffff82d080a00000ul;
	USER_RUN(ud2, 0);
}

ATTACK(iret_nowhere, "iret-bad-stack", "the iret hypercall with a stack nobody can read")
{
	forget_all_handlers();
	asm volatile("mov %0, %%rsp; mov $23, %%eax; syscall" : : "r"(UNMAPPED_POINTER));
}

ATTACK(iret_hypervisor, "iret-hypervisor-stack",
       "the iret hypercall with a stack in the hypervisor's range")
{
	forget_all_handlers();
	asm volatile("mov %0, %%rsp; mov $23, %%eax; syscall" : : "r"(HYPERVISOR_POINTER));
}

ATTACK(iret_to_hypervisor, "iret-to-hypervisor",
       "the iret hypercall to an address of the hypervisor")
{
	forget_all_handlers();
	asm volatile("pushq $0xe02b; push %%rsp; pushq $0x202; pushq $0xe030; push %0; pushq $0\n\t"
		     "jmp hypercall_page + 23 * 32" : : "r"(0xffff82d080200000ul));
}

ATTACK(lose_kernel_mapping, "unmap-kernel", "unmap the kernel's own L4 slot")
{
	forget_all_handlers();
	write_entry(l4_slot(511), 0);
	asm volatile("movb $0, %0" : "=m"(*(volatile char *)start));
}

/* Not the calls that end or rearrange this guest when they succeed. */
static bool may_call(unsigned int nr, unsigned int cmd)
{
	switch (nr) {
	case __HYPERVISOR_iret:
	case __HYPERVISOR_stack_switch:
	case __HYPERVISOR_set_callbacks:
	case __HYPERVISOR_set_segment_base:
	case __HYPERVISOR_kexec_op:
	case __HYPERVISOR_sched_op_compat:
		return false;
	case __HYPERVISOR_sched_op:
		return cmd != SCHEDOP_block && cmd != SCHEDOP_shutdown_code;
	case __HYPERVISOR_vcpu_op:
		return cmd != VCPUOP_down && cmd != VCPUOP_initialise;
	}
	return true;
}

ATTACK(pointers, "hypervisor-pointers",
       "every hypercall with hypervisor addresses in every argument; the guest must live")
{
	static const unsigned long values[] = {
		0xffff800000000000, 0xffff808000000000, 0xffff82d080200000, 0xffff830000000000,
		0xffff87fffffffff8, 0xffff87ffffffffff, 0x7fffffffffff, 0x800000000000,
	};
	for (unsigned int nr = 0; nr < 64; nr++)
		for (unsigned int cmd = 0; cmd < 40; cmd++)
			for (unsigned int v = 0; may_call(nr, cmd) && v < 8; v++) {
				unsigned long x = values[v];

				hypercall_bare(nr, cmd, x, x, x, x);
				hypercall_bare(nr, x, cmd, x, x, x);
				hypercall_bare(nr, cmd, 0, x, x, x);
			}
	survived("every call was refused");
}

ATTACK(watchdog, "watchdog",
       "a watchdog that is not fed ends the domain, with the reason said beforehand")
{
	struct sched_shutdown code = { .reason = SHUTDOWN_crash };
	struct sched_watchdog w = { .timeout = 1 };

	if (HC2(sched_op, SCHEDOP_shutdown_code, &code) || HC2(sched_op, SCHEDOP_watchdog, &w) != 1)
		return;
	code.reason = SHUTDOWN_poweroff;	/* too late: the first counts */
	HC2(sched_op, SCHEDOP_shutdown_code, &code);
	for (uint64_t until = clock_ns() + 5000 * MS_NS; clock_ns() < until; )
		HC2(sched_op, SCHEDOP_yield, 0);
}

ATTACK(watchdog_alone, "watchdog-alone",
       "a watchdog that is not fed ends the domain, and that is its reason")
{
	struct sched_watchdog w = { .timeout = 1 };

	if (HC2(sched_op, SCHEDOP_watchdog, &w) != 1)
		return;
	for (uint64_t until = clock_ns() + 5000 * MS_NS; clock_ns() < until; )
		HC2(sched_op, SCHEDOP_yield, 0);
}

ATTACK(unknown_reason, "unknown-reason", "SHUTDOWN for reasons that are none is not an orderly end")
{
	struct sched_shutdown s = { .reason = 256 };	/* as a byte: poweroff */

	HC2(sched_op, SCHEDOP_shutdown, &s);
}

ATTACK(suspend, "suspend", "SHUTDOWN_suspend of the control domain is not an orderly end")
{
	struct sched_shutdown s = { .reason = SHUTDOWN_suspend };

	HC2(sched_op, SCHEDOP_shutdown, &s);
}

ATTACK(last_down, "last-vcpu-down",
       "the last vCPU takes itself down without a reason, as a kernel that panics early does")
{
	HC3(vcpu_op, VCPUOP_down, 0, 0);
}

ATTACK(last_down_reason, "last-vcpu-down-reason",
       "the last vCPU takes itself down after a reason was said: that is the reason; the guest "
       "must live")
{
	struct sched_shutdown code = { .reason = SHUTDOWN_poweroff };

	if (HC2(sched_op, SCHEDOP_shutdown_code, &code))
		return;
	print("ok 1 - to be told as a poweroff\n");
	HC3(vcpu_op, VCPUOP_down, 0, 0);
	print("not ok 2 - and is not back\n");
}

ATTACK(remote_shutdown, "remote-shutdown",
       "remote_shutdown of ourselves, by number, ends us with the reason given")
{
	struct sched_remote_shutdown r = { .domain_id = 0, .reason = SHUTDOWN_crash };

	HC2(sched_op, SCHEDOP_remote_shutdown, &r);
}

/*
 * IA-PC HPET 1.0a, 2.3: a timer that can send its interrupt as a memory write (bit 15), told to
 * (14), 32 bits wide (8), its interrupt on (2); where and what is its route's two halves.
 */
#define HPET_PAGE	0xfed00ul
#define HPET_CONFIG	0x10
#define HPET_COUNTER	0xf0
#define HPET_TIMER	0x100
#define HPET_FSB_CAP	0x8000u
#define HPET_FSB	0x4104u
#define HPET_MARK	0x15014u

ATTACK(hpet, "hpet",
       "tell a timer of the HPET to write to memory, a page of our own; the guest must live")
{
	volatile uint32_t *reg = window(0), *target = page_alloc();

	CHECK_OK(remap(window(0), make_pte(HPET_PAGE, PTE_RW_PAGE | PTE_PCD)));
	CHECK(reg[HPET_TIMER / 4] & HPET_FSB_CAP);	/* else: qemu -global hpet.msi=on */
	reg[HPET_CONFIG / 4] = 0;
	reg[HPET_TIMER / 4] = HPET_FSB;
	reg[HPET_TIMER / 4 + 4] = HPET_MARK;
	reg[HPET_TIMER / 4 + 5] = (uint32_t)maddr_of((void *)target);
	reg[HPET_COUNTER / 4] = 0;
	reg[HPET_TIMER / 4 + 2] = 100000;
	reg[HPET_CONFIG / 4] = 1;
	for (uint64_t until = clock_ns() + 1000 * MS_NS; clock_ns() < until; )
		CHECK(*target == 0);
	survived("the timer writes nothing");
}

ATTACK(storm, "event-storm", "200000 events to itself, each delivered; the guest must live")
{
	uint32_t port = (uint32_t)port_bind_ipi(0);

	port_unmask(port);
	for (unsigned int i = 0; i < 200000; i++)
		port_send(port);
	if (evtchn_count[port] != 200000)
		return;
	survived("every event was delivered");
}
