/* SPDX-License-Identifier: MIT */
/*
 * The way out to a guest: one path, whatever the way in (ENT-1, ENT-2).
 */
#include "frame.h"

	.section .text.entry, "ax"

/* C comes here when the frames on the stack are to be forgotten: void return_to_guest(void). */
	.balign	16
	.globl	return_to_guest
return_to_guest:
	movabs	$(VA_CPU_STACK_TOP - REGS_BYTES), %rsp

/*
 *   in    rsp = guest_regs(); IF any; the root of the vcpu's mode loaded
 *   Checks, IF=0: softirqs, posted events, and in kernel mode the guest's own pending-and-unmasked
 *   word (on the user root nothing can be due that was not posted: the way to user mode looked).
 *   Then SYSRET for frames that SYSCALL or a bounce made, else IRET.
 */
	.globl	return_to_guest_here
return_to_guest_here:
	cli
	mov	this_cpu + CPU_PUB(%rip), %rax
	cmpl	$0, PUB_SOFTIRQ(%rax)
	jne	work
	mov	this_cpu + CPU_CURRENT(%rip), %rax
	cmpl	$0, VCPU_EVENT_CHECK(%rax)
	jne	work
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	restore
	mov	this_vcpu + VCPU_INFO(%rip), %rax
	cmpb	$0, 1(%rax)			/* evtchn_upcall_mask */
	jne	restore
	cmpb	$0, (%rax)			/* evtchn_upcall_pending */
	jne	work
restore:
	cmpl	$VECTOR_SYSCALL, REGS_VECTOR(%rsp)
	jne	return_by_iret
	/*
	 * SYSRET to a non-canonical rip faults in ring 0 on the guest's stack (XSA-7): such a one
	 * goes by IRET.
	 */
	mov	REGS_RIP(%rsp), %rax
	sar	$47, %rax
	inc	%eax
	cmp	$1, %eax
	ja	return_by_iret
	RESTORE_REGS
	mov	8(%rsp), %rcx			/* rip */
	mov	24(%rsp), %r11			/* rflags */
	mov	32(%rsp), %rsp
	sysretq

	.globl	return_by_iret
return_by_iret:
	RESTORE_REGS
	add	$8, %rsp
	.globl	return_iret_insn
return_iret_insn:
	iretq

work:
	call	exit_work
	jmp	return_to_guest_here

/* void reset_stack_and_call(void (*fn)(void)): the idle loop starts here, every time. */
	.globl	reset_stack_and_call
reset_stack_and_call:
	/* guest_regs() stays free for the next guest */
	movabs	$(VA_CPU_STACK_TOP - REGS_BYTES), %rsp
	xor	%ebp, %ebp
	call	*%rdi
	ud2
	.section .note.GNU-stack, "", @progbits
