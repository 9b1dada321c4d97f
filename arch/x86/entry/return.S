/* SPDX-License-Identifier: MIT */
/*
 * The ways out to a guest (ENT-1, ENT-2) with a whole frame; those of hypercalls and bounces are in
 * syscall.S.
 *
 *   return_to_guest_here   looks at what is due
 *   return_quickly         nothing can be due: interrupts have been off since the guest was left,
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
 * A whole frame.
 *   in    rsp = guest_regs(), all of it filled; IF any; the root of the vcpu's mode loaded
 *   out   to the guest, every register as the frame has it
 */
	.globl	return_to_guest_here
return_to_guest_here:
	cli
	IF_WORK	return_work
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	return_quickly
	IF_EVENT return_work

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
	.globl	return_iret
return_iret:
	CLEAR_BUFFERS
	.globl	return_iret_insn
return_iret_insn:
	iretq

/* VERW wants a selector that may be written through. */
	.globl	verw_selector
verw_selector:
	.word	SEL_HV_DS

/*
 * Something is due. Hypercalls come here too.
 *   in    rsp = guest_regs(), all of it filled; IF=0
 *   calls bool exit_work(void), which may come back as another vcpu: nothing is in registers
 *   out   to return_quickly, IF=0 and nothing more due, or to the look again
 */
	.globl	return_work
return_work:
	call	exit_work
	test	%al, %al
	jnz	return_quickly
	jmp	return_to_guest_here

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
