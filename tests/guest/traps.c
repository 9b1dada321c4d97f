/* SPDX-License-Identifier: MIT */
/*
 * Traps: decoding the hypervisor's frame, recording it, and deciding where to continue.
 */
#include "traps.h"
#include "clock.h"
#include "events.h"
#include "hypercall.h"
#include "memory.h"
#include "text.h"
#include "user.h"

volatile struct trap_record trap_last;
volatile uint64_t trap_resume;
volatile uint64_t trap_clear_rflags;
volatile bool trap_set_if;
struct context *volatile user_exit;
struct trap_regs user_exit_regs;

void trap_enter(struct trap_regs *regs, struct trap_return *ret);

void trap_clear(void)
{
	memset((void *)&trap_last, 0, sizeof(trap_last));
	trap_last.vector = -1;
}

static void record(const struct trap_regs *regs, const uint64_t *hw, bool has_error)
{
	volatile struct trap_record *t = &trap_last;
	uint16_t cs, ss;
	uint64_t flags;

	asm volatile("mov %%cs, %0; mov %%ss, %1; pushfq; pop %2"
		     : "=r"(cs), "=r"(ss), "=r"(flags));
	t->vector = (int)regs->vector;
	t->count++;
	t->has_error = has_error;
	t->error = has_error ? regs->tail[0] : 0;
	t->rip = hw[0];
	t->cs_slot = hw[1];
	t->cs = (uint16_t)hw[1];
	t->mask = (uint8_t)(hw[1] >> 32);
	t->mask_inside = vcpu_info->evtchn_upcall_mask;
	t->rflags = hw[2];
	t->rsp = hw[3];
	t->ss = (uint16_t)hw[4];
	t->from_user = (t->cs & 3) == 3;
	t->rcx = regs->rcx;
	t->r11 = regs->r11;
	t->rax = regs->rax;
	t->cr2 = vcpu_info->arch.cr2;
	t->frame_at = (uint64_t)&regs->rcx;
	t->handler_cs = cs;
	t->handler_ss = ss;
	t->handler_rflags = flags;
	if (regs->vector == TRAP_FAILSAFE)
		for (unsigned int i = 0; i < 4; i++)
			t->selectors[i] = (uint16_t)regs->tail[i];
}

/* Give up the user program, and continue behind user_run(). */
static void __attribute__((noreturn)) leave_user(const struct trap_regs *regs)
{
	struct context *c = user_exit;

	user_exit = NULL;
	user_exit_regs = *regs;
	context_resume(c, 1);
}

/* An event is handled, unless it is the one at which the user program is to be left. */
static void event(const struct trap_regs *regs, const uint64_t *hw)
{
	if (user_exit && user_leave_on_event && (hw[1] & 3) == 3 && !user_events_before_exit) {
		record(regs, hw, false);
		leave_user(regs);
	}
	events_upcall(hw);
	if (user_leave_on_event) {
		/*
		 * Another event has to come: this one is handled, or came before the program was
		 * entered. The timer is set behind the handling, which would take what comes
		 * meanwhile for this one.
		 */
		if ((hw[1] & 3) == 3)
			user_events_before_exit--;
		timer_set(clock_ns() + 5 * MS_NS);
	}
}

void trap_enter(struct trap_regs *regs, struct trap_return *ret)
{
	bool has_error = ((uint64_t)&regs->rcx & 15) == 0;
	uint64_t *hw = regs->tail + has_error;

	if (regs->vector == TRAP_FAILSAFE) {
		has_error = false;
		hw = regs->tail + 4;
	}
	if (regs->vector == TRAP_EVENT) {
		event(regs, hw);
	} else {
		record(regs, hw, has_error);
		if (trap_last.from_user && user_exit)
			leave_user(regs);
		if (!trap_resume)
			trap_unexpected();
		hw[0] = trap_resume;
		hw[1] = FLAT_KERNEL_CS & ~3ul;	/* the claim may have broken either selector */
		hw[4] = FLAT_KERNEL_SS;
		trap_resume = 0;
		hw[2] = (hw[2] & ~trap_clear_rflags) | (trap_set_if ? 0x200 : 0);
		trap_set_if = false;
	}
	*ret = (struct trap_return){
		.flags = 0,
		.rip = hw[0],
		.cs = hw[1] & 0xffff,
		.rflags = hw[2],
		.rsp = hw[3],
		.ss = hw[4],
	};
}

bool try_read(const volatile void *p, uint64_t *value)
{
	uint64_t v = 0;
	bool trapped = TRY("movq (%1), %0", : "+r"(v) : "r"(p) : "memory");

	*value = v;
	return !trapped;
}

bool try_write(volatile void *p, uint64_t value)
{
	return !TRY("movq %0, (%1)", : : "r"(value), "r"(p) : "memory");
}

bool try_call(const void *code)
{
	trap_clear();
	asm volatile("push %%rbp; mov %%rsp, %%rbp\n\t"
		     TRY_ASM("call *%0")
		     "mov %%rbp, %%rsp; pop %%rbp"
		     : "+a"(code) : : "rbx", "rcx", "rdx", "memory");
	return !trap_last.count;
}

bool try_iret(uint64_t rip, uint64_t cs, uint64_t rflags, uint64_t ss)
{
	uint64_t sp;

	trap_clear();
	asm volatile("mov %%rsp, %0; movq $771f, trap_resume(%%rip)\n\t"
		     "test %1, %1; jnz 1f; leaq 771f(%%rip), %1\n1:\t"
		     "push %4; push %0; push %3; push %2; push %1; pushq $0\n\t"
		     "jmp hypercall_page + 23 * 32\n"
		     "771:\tmovq $0, trap_resume(%%rip); mov %0, %%rsp"
		     : "=&b"(sp), "+r"(rip) : "r"(cs), "r"(rflags), "r"(ss) : "memory", "cc");
	return trap_last.count != 0;
}
