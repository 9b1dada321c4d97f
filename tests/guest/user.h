/* SPDX-License-Identifier: MIT */
/*
 * A user program: a few instructions run in user mode on page tables of its own.
 *
 * Each program is a piece of user.S between two labels, copied to USER_CODE. It has one page of
 * stack below USER_STACK and one page of data at USER_DATA. The user's page tables are also hooked
 * into the kernel's, so the kernel can read what the program wrote. Whatever leaves user mode,
 * except an event, ends the program.
 */
#pragma once

#include "traps.h"

#define USER_CODE 0x0000000000400000ul
#define USER_DATA 0x0000000000401000ul
#define USER_STACK 0x0000000000403000ul
#define USER_NOTHING 0x0000000000404000ul	/* nothing is mapped here */

/* Build the user page tables once. Ends the claim if the hypervisor refuses a step. */
void user_setup(void);

/*
 * Copy the program [begin, end) and run it with @arg in rdi and @rflags, cs and ss flat. Returns
 * when the program is left; trap_last says how, user_exit_regs holds its registers.
 */
void user_run(const char *begin, const char *end, uint64_t arg, uint64_t rflags);

#define USER_RUN(program, arg) \
	user_run(user_##program, user_##program##_end, (uint64_t)(arg), 0x200)

/* Offset in the program of the instruction at which it was left. */
static inline uint64_t user_left_at(void)
{
	return trap_last.rip - USER_CODE;
}

#define USER_PROGRAM(name) extern const char user_##name[], user_##name##_end[]

USER_PROGRAM(syscall);
USER_PROGRAM(hypercall);
USER_PROGRAM(read);
USER_PROGRAM(write);
USER_PROGRAM(jump);
USER_PROGRAM(int80);
USER_PROGRAM(int81);
USER_PROGRAM(int82);
USER_PROGRAM(int3);
USER_PROGRAM(hlt);
USER_PROGRAM(cli);
USER_PROGRAM(in);
USER_PROGRAM(rdmsr);
USER_PROGRAM(mov_cr0);
USER_PROGRAM(ud2);
USER_PROGRAM(cpuid);
USER_PROGRAM(selectors);
USER_PROGRAM(sysenter);
USER_PROGRAM(spin);
USER_PROGRAM(gs);
USER_PROGRAM(fs);
USER_PROGRAM(nop);

/*
 * What an event does to a running user program. By default it is handled and the program goes on.
 * With leave_on_event the program is left at the first event (after events_before_exit handled
 * ones, the timer re-armed each time), and that one is not handled.
 */
extern volatile bool user_leave_on_event;
extern volatile uint32_t user_events_before_exit;

/* How the next user_run() enters: flags of the iret frame (VGCF_*), and RIP if not 0. */
extern uint64_t user_iret_flags, user_start_rip;

/* For attacks: a kernel stack to be set instead of the good one; 0: none. */
extern unsigned long user_stack_attack;

/* stack_switch to the default kernel stack for entries from user mode. */
long user_stack_default(void);
extern char user_kernel_stack_end[];
