/* SPDX-License-Identifier: MIT */
/*
 * Timed operations: one operation between two RDTSCs, all registers loaded before the first.
 *
 * Under QEMU's -icount shift=0 the TSC advances by one per instruction, so a difference counts the
 * instructions of guest and hypervisor in between. timed_nothing() has no operation: its difference
 * is what every other one carries too.
 */
#pragma once

#define TIMED_RDI 0x00
#define TIMED_RSI 0x08
#define TIMED_RDX 0x10
#define TIMED_R10 0x18
#define TIMED_R8 0x20
#define TIMED_RAX 0x28
#define TIMED_RCX 0x30
#define TIMED_R9 0x38
#define TIMED_RESULT 0x40
#define TIMED_RSI_AFTER 0x48

/*
 * Instructions of the guest's own handlers in timed.S, their final SYSCALL not counted; taken off
 * each row that runs one.
 */
#define OWN_FAULT 8		/* fault_entry */
#define OWN_EVENT 12		/* event_entry_0 and _1 */
#define OWN_SYSCALL 11		/* syscall_entry, there and back */
/* user.S behind its first RDTSC (4), syscall_entry to its own first RDTSC (6) */
#define OWN_LEAVE_USER 10
/* syscall_entry behind its second RDTSC (10), user.S to its last one (2) */
#define OWN_ENTER_USER 12
#define OWN_INT 5		/* user.S behind its first RDTSC (3), int_entry to its own (2) */

#define INT_VECTOR 0x80		/* user programs may INT it */

#define CALL_LEAVE 0		/* rax of a user program's system call: the program ends */
#define CALL_RETURN 1		/* come back at once */
/* come back with the time of arrival in r9, and of departure in r10 */
#define CALL_SPLIT 2

#ifndef __ASSEMBLY__
#include <stdint.h>

struct timed {
	uint64_t rdi, rsi, rdx, r10, r8, rax, rcx;
	uint64_t r9;			/* length of the instruction that faults */
	uint64_t result, rsi_after;	/* rax and rsi behind the operation */
};

typedef uint64_t timed_fn(struct timed *t);

timed_fn timed_nothing, timed_syscall, timed_read, timed_hlt, timed_selector, timed_cpuid,
	timed_rdmsr, timed_cr0;
timed_fn timed_in, timed_out, timed_mov, timed_mov32, timed_xchg, timed_send_and_block;

extern char fault_entry[], unexpected_entry[], syscall_entry[], int_entry[];
extern char event_entry_0[], event_entry_1[];
extern char spin_entry[], second_vcpu_entry[], second_vcpu_stack_end[], trap_stack_end[];

/*
 * Events whose port bits the two event handlers clear: all but these bits of the first pending
 * word.
 */
extern uint64_t event_keep_0, event_keep_1;

/*
 * Run the program at user address @rip on the user stack: in rdi @samples, esi @count, rbx @rbx, r9
 * @r9. Comes back at CALL_LEAVE.
 */
void user_program(uint64_t rip, uint64_t samples, uint64_t count, uint64_t rbx, uint64_t r9);
#endif
