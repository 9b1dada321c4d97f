/* SPDX-License-Identifier: MIT */
/*
 * Addresses in the entry code: what gates and MSRs point at, and where C leaves for good.
 */
#pragma once

#include <asm/regs.h>

#define ENTRY_STUB_BYTES 16

extern const char entry_stubs[];                /* 256 stubs of ENTRY_STUB_BYTES */
extern const char entry_invalid_opcode[], entry_general_protection[], entry_page_fault[];
extern const char entry_int80[];
extern const char entry_double_fault[], entry_nmi[], entry_machine_check[], entry_debug[];
extern const char entry_syscall[], entry_syscall32[], entry_sysenter[];
/* the one IRETQ to a guest: its faults are the guest's */
extern const char return_iret_insn[];

/*
 * Leave C: reset the stack and go to the guest whose registers are in guest_regs(), through the
 * exit checks. Interrupts off.
 */
void return_to_guest(void) __noreturn;
/* Reset the stack and call @fn on it; the frames above are forgotten (ENT-8). */
void reset_stack_and_call(void (*fn)(void)) __noreturn;

/* Called by the entry code. */
void trap_dispatch(struct regs *r);             /* exceptions and interrupts, IF=0 */
/* A guest's, IF=0; interrupts are left off where the guest can run on at once. */
void trap_general_protection(struct regs *r);
void trap_invalid_opcode(struct regs *r);
/*
 * A guest's page fault, IF=0, @r a short frame (entry/frame.h). True: it has been bounced; false:
 * nothing has been done, and CR2 still holds the address: trap_page_fault(), with a whole frame.
 */
bool pv_page_fault_is_guests(struct regs *r);
/* The same for INT 0x80, whose gate is open to the guest. */
bool pv_int80_is_guests(struct regs *r);
void trap_page_fault(struct regs *r);
void trap_nmi(struct regs *r);
void trap_machine_check(struct regs *r);
void trap_debug_ist(struct regs *r);
void trap_double_fault(struct regs *r) __noreturn;
/* SYSCALL from guest user mode: IF=0 in and out, @r a short frame; bounces */
void syscall_from_user(struct regs *r);
void syscall32_from_guest(struct regs *r);
void sysenter_from_guest(struct regs *r);
/* something is due before the guest: IF=0 in and out. True: nothing else can be due any more. */
bool exit_work(void);
