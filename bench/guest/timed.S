/* SPDX-License-Identifier: MIT */
/*
 * Timed operations, and the shortest handlers that a PV kernel can have. Frames at the handlers are
 * drawn in tests/guest/traps.S. The counts OWN_* in timed.h go with the code here.
 */
#include <xen/xen.h>
#include "timed.h"
#include "user.h"

	/* rax = TSC; rdx is lost */
	.macro	READ_TSC
	lfence
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	.endm

/*
 * uint64_t timed_NAME(struct timed *)
 *   in    rdi -> struct timed        keeps: what the C ABI wants kept, where the operation does
 *   out   difference of the two TSC readings; result and rsi_after stored
 * The operation stands between op_NAME and op_end_NAME: bench/trace-op follows it from the one to
 * the other.
 */
	.macro	TIMED name, op:vararg
	.text
	.balign	64
	.globl	timed_\name
timed_\name:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rdi, %r15
	mov	TIMED_RDX(%r15), %r13
	mov	TIMED_RAX(%r15), %r12
	mov	TIMED_RDI(%r15), %rdi
	mov	TIMED_RSI(%r15), %rsi
	mov	TIMED_R10(%r15), %r10
	mov	TIMED_R8(%r15), %r8
	mov	TIMED_RCX(%r15), %rcx
	mov	TIMED_R9(%r15), %r9
	READ_TSC
	mov	%rax, %rbp
	mov	%r13, %rdx
	mov	%r12, %rax
	.globl	op_\name, op_end_\name
op_\name:
	\op
op_end_\name:
	mov	%rax, %r12
	READ_TSC
	sub	%rbp, %rax
	mov	%r12, TIMED_RESULT(%r15)
	mov	%rsi, TIMED_RSI_AFTER(%r15)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.endm

	TIMED	nothing
	TIMED	syscall, syscall
	TIMED	read, mov (%rdi), %rax			/* 3 bytes: r9 says so */
	TIMED	hlt, hlt
	TIMED	selector, mov %edi, %gs
	TIMED	cpuid, .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2
	TIMED	rdmsr, rdmsr
	TIMED	cr0, mov %cr0, %rax
	TIMED	in, in %dx, %al
	TIMED	out, out %al, %dx
	TIMED	mov, mov %rsi, (%rdi)
	TIMED	mov32, mov %esi, (%rdi)
	TIMED	xchg, xchg %rsi, (%rdi)

	/* rdi, rsi: EVTCHNOP_send and its argument; then until the answer has been taken. */
	.macro	SEND_AND_BLOCK
	syscall
	mov	$__HYPERVISOR_sched_op, %eax
	mov	$1, %edi			/* SCHEDOP_block */
	xor	%esi, %esi
	syscall
	.endm
	TIMED	send_and_block, SEND_AND_BLOCK
/*
 * Back by the iret hypercall, from a frame without error code or selectors: rcx r11 rip ... on
 * the stack.
 */
	.macro	RETURN flags
	pop	%rcx
	pop	%r11
	push	$\flags
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall
	.endm

	.text
	.balign	64
	.globl	fault_entry
fault_entry:				/* with an error code; r9: length of the instruction */
	add	%r9, 24(%rsp)
	pop	%rcx
	pop	%r11
	movq	$0, (%rsp)		/* the error code's place holds the flags */
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall

/* By INT of a user program: back at once, the time of arrival in r9. */
	.balign	64
	.globl	int_entry
int_entry:
	READ_TSC
	mov	%rax, %r9
	RETURN	0

	.macro	EVENT_ENTRY vcpu
	.balign	64
	.globl	event_entry_\vcpu
event_entry_\vcpu:
	mov	shared(%rip), %rcx
	movb	$0, 64 * \vcpu(%rcx)		/* evtchn_upcall_pending */
	movq	$0, 64 * \vcpu + 8(%rcx)	/* evtchn_pending_sel */
	mov	event_keep_\vcpu(%rip), %r11
	lock and %r11, 64 * 32(%rcx)		/* evtchn_pending[0] */
	RETURN	0
	.endm
	EVENT_ENTRY 0
	EVENT_ENTRY 1

/* A system call of a user program; rax says what it wants (timed.h). */
	.balign	64
	.globl	syscall_entry
syscall_entry:
	test	%eax, %eax
	jz	user_leaves
	cmp	$CALL_SPLIT, %eax
	je	1f
	RETURN	VGCF_in_syscall
1:	READ_TSC
	mov	%rax, %r9
	READ_TSC
	mov	%rax, %r10
	RETURN	VGCF_in_syscall
user_leaves:
	mov	user_back(%rip), %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl	user_program
user_program:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, user_back(%rip)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%edx, %esi
	mov	%rcx, %rbx
	mov	%r8, %r9
	pushq	$FLAT_USER_SS64
	pushq	$USER_STACK
	pushq	$0x202
	pushq	$FLAT_USER_CS64
	push	%rax
	pushq	$0
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall

/* Nothing: a place for bench/trace-op to stop at. */
	.globl	trace_here
trace_here:
	ret

	.globl	unexpected_entry
unexpected_entry:
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	unexpected
	ud2

/* A vCPU that is there and does nothing. PAUSE lets QEMU go on to the next CPU. */
	.balign	64
	.globl	spin_entry
spin_entry:
	lock incl spinning(%rip)
1:	pause
	jmp	1b

/* The second vCPU: answer each event by one to the first vCPU. */
	.balign	64
	.globl	second_vcpu_entry
second_vcpu_entry:
1:	mov	$__HYPERVISOR_sched_op, %eax
	mov	$1, %edi			/* SCHEDOP_block: opens the mask */
	xor	%esi, %esi
	syscall
	mov	shared(%rip), %rcx
	movb	$1, 64 + 1(%rcx)		/* and it is closed again */
	mov	$__HYPERVISOR_event_channel_op, %eax
	mov	$4, %edi			/* EVTCHNOP_send */
	lea	answer(%rip), %rsi
	syscall
	jmp	1b

	.data
	.balign	8
user_back:	.quad	0
	.globl	event_keep_0, event_keep_1
event_keep_0:	.quad	-1
event_keep_1:	.quad	-1

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
	.skip	2 * 4096
	.globl	trap_stack_end
trap_stack_end:
	.skip	2 * 4096
	.globl	second_vcpu_stack_end
second_vcpu_stack_end:

	.section .note.GNU-stack, "", @progbits
