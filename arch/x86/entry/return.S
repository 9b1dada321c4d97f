/* SPDX-License-Identifier: MIT */
/*
 * The ways out to a guest (ENT-1, ENT-2).
 *
 *   return_to_guest_here   a whole frame; looks at what is due
 *   return_short           a short frame, of a hypercall; looks at what is due
 *   return_bounced, return_quickly
 *                          nothing can be due: interrupts have been off since the guest was left,
 *                          so whatever was announced meanwhile comes with an interrupt of its own
 *
 * All of them end in SYSRET for frames that SYSCALL or a bounce made, else in the one IRET whose
 * faults are the guest's.
 */
#include "frame.h"

	.section .text.entry, "ax"

/*
 * C comes here when the frames on the stack are to be forgotten: void return_to_guest(void).
 *   in    IF=0; guest_regs() filled, the root of the vcpu's mode loaded; rsp and the rest any
 *   out   falls into return_to_guest_here
 */
	.balign	16
	.globl	return_to_guest
return_to_guest:
	movabs	$(VA_CPU_STACK_TOP - REGS_BYTES), %rsp

/*
 * Is anything due: softirqs, posted events, and in kernel mode the guest's own pending-and-unmasked
 * word (on the user root nothing can be due that was not posted: the way to user mode looked).
 *   in    IF=0     out   \event: that word, and nothing else; \work: anything; or behind it; rcx
 *   and rdx are lost
 */
.macro IF_DUE work, event
	mov	this_cpu + CPU_PUB(%rip), %rcx
	mov	this_cpu + CPU_CURRENT(%rip), %rdx
	mov	PUB_SOFTIRQ(%rcx), %ecx
	or	VCPU_EVENT_CHECK(%rdx), %ecx
	jne	\work
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	668f
	mov	this_vcpu + VCPU_INFO(%rip), %rcx
	cmpb	$0, VCPU_INFO_MASK(%rcx)
	jne	668f
	cmpb	$0, VCPU_INFO_PENDING(%rcx)
	jne	\event
668:
.endm

/*
 * SYSRET to a non-canonical rip faults in ring 0 on the guest's stack (XSA-7): such a one goes by
 * IRET. Canonical: bits 47 to 63 are alike.   out   \bad, or behind it; rdx is lost
 */
.macro IF_NOT_CANONICAL bad
	mov	REGS_RIP + 4(%rsp), %edx
	add	$0x8000, %edx
	shr	$16, %edx
	jnz	\bad
.endm

/*
 * A whole frame.
 *   in    rsp = guest_regs(), all of it filled; IF any; the root of the vcpu's mode loaded
 *   out   to the guest, every register as the frame has it
 */
	.globl	return_to_guest_here
return_to_guest_here:
	cli
	IF_DUE	work, work

/*   in    the same, IF=0 since nothing was due */
	.globl	return_quickly
return_quickly:
	cmpl	$VECTOR_SYSCALL, REGS_VECTOR(%rsp)
	jne	return_by_iret
	IF_NOT_CANONICAL return_by_iret
	RESTORE_KEPT_REGS
	add	$16, %rsp			/* rcx and r11 are rip and rflags */
	RESTORE_CALL_REGS
	mov	8(%rsp), %rcx			/* rip */
	mov	24(%rsp), %r11			/* rflags */
	mov	32(%rsp), %rsp
	CLEAR_BUFFERS
	sysretq

/*   in    the same, whatever made the frame; an NMI may still be blocked */
	.globl	return_by_iret
return_by_iret:
	RESTORE_REGS
	add	$8, %rsp
/*   in    rsp -> rip cs rflags rsp ss, the guest's; every register the guest's; IF=0 */
last_iret:
	CLEAR_BUFFERS
	.globl	return_iret_insn
return_iret_insn:
	iretq

/* VERW wants a selector that may be written through. */
verw_selector:
	.word	SEL_HV_DS

/*
 * Something is due.
 *   in    rsp = guest_regs(), all of it filled; IF=0
 *   calls bool exit_work(void), which may come back as another vcpu: nothing is in registers
 *   out   to return_quickly, IF=0 and nothing more due, or to the look again
 */
work:
	call	exit_work
	test	%al, %al
	jnz	return_quickly
	jmp	return_to_guest_here

/*
 * From a hypercall.
 *   in    rsp = guest_regs(), a short frame; rax = its result; IF any; the kernel root loaded, or
 *         the user root where HYPERVISOR_iret left
 *   out   to the guest, every register as the frame has it, rax the result
 */
	.balign	16
	.globl	return_short
return_short:
	cli
	IF_DUE	short_work, short_event
	cmpl	$VECTOR_SYSCALL, REGS_VECTOR(%rsp)
	jne	short_by_iret
	IF_NOT_CANONICAL short_completed
/*   in    rsp = guest_regs(), short, rip canonical; IF=0; rax and what C preserves the guest's */
sysret_short:
	LOAD_CALL_REGS
	mov	REGS_RIP(%rsp), %rcx
	mov	REGS_RFLAGS(%rsp), %r11
	mov	REGS_RSP(%rsp), %rsp
	CLEAR_BUFFERS
	sysretq

/*
 * A bounce has filled what SYSRET brings: rip is a handler's, which was checked when it was
 * registered.   in   rsp = guest_regs(), short; IF=0 since the guest was left
 */
	.globl	return_bounced
return_bounced:
	mov	REGS_RAX(%rsp), %rax
	jmp	sysret_short

/*   in    the same, any rip: HYPERVISOR_iret has filled it, rcx and r11 too */
short_by_iret:
	LOAD_CALL_REGS
	mov	REGS_RCX(%rsp), %rcx
	mov	REGS_R11(%rsp), %r11
	add	$REGS_RIP, %rsp
	jmp	last_iret

/*
 * An upcall is due, and nothing else: a short frame is all that its bounce needs.
 *   in    as return_short, IF=0   out   by return_bounced, or C does not come back
 */
short_event:
	mov	%rax, REGS_RAX(%rsp)
	call	bounce_event
	jmp	return_bounced

/*   in    as return_short, IF=0   out   to work, with a whole frame */
short_work:
	mov	%rax, REGS_RAX(%rsp)
	COMPLETE_SHORT
	cmpl	$VECTOR_SYSCALL, REGS_VECTOR(%rsp)
	jne	work
	COMPLETE_SYSCALL
	jmp	work

/*   in    as return_short, IF=0, rip not canonical   out   to return_quickly, with a whole frame */
short_completed:
	mov	%rax, REGS_RAX(%rsp)
	COMPLETE_SHORT
	COMPLETE_SYSCALL
	jmp	return_quickly

/*
 * void reset_stack_and_call(void (*fn)(void)): the idle loop starts here, every time.
 *   in    rdi = fn; IF, CR3 and the rest any, and fn's   out   never
 */
	.globl	reset_stack_and_call
reset_stack_and_call:
	/* guest_regs() stays free for the next guest */
	movabs	$(VA_CPU_STACK_TOP - REGS_BYTES), %rsp
	xor	%ebp, %ebp
	call	*%rdi
	ud2
	.section .note.GNU-stack, "", @progbits
