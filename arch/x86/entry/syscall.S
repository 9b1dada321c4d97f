/* SPDX-License-Identifier: MIT */
/*
 * SYSCALL, SYSENTER: a guest asks. The frame is drawn in frame.h.
 */
#include "frame.h"

/*
 * Build the hardware's part of a frame on the primary stack. IF=0; the guest's rsp waits in
 * this_cpu.scratch.
 */
.macro ENTER_STACK
	mov	%rsp, this_cpu + CPU_SCRATCH(%rip)
	movabs	$VA_CPU_STACK_TOP, %rsp
	push	$SEL_USER_DS
	push	this_cpu + CPU_SCRATCH(%rip)
.endm

	.section .text.entry, "ax"

/*
 * SYSCALL from 64-bit code: a hypercall from the guest's kernel, or a system call of the guest's
 * user.
 *   in    rcx = rip, r11 = rflags, rsp = the guest's; IF=TF=DF=AC=NT=0 by SFMASK; the guest's root
 *         loaded
 *   hypercall: rax number (all of it), rdi rsi rdx r10 r8 r9 arguments -> result in rax, by way of
 *   hypercall_table; the frame is a short one
 */
	.balign	16
	.globl	entry_syscall
entry_syscall:
	ENTER_STACK
	push	%r11
	push	$SEL_USER_CS64
	push	%rcx
	push	syscall_vector(%rip)
	SAVE_SHORT_SYSCALL
	xor	%ebp, %ebp
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	1f
	sti
	mov	%r10, %rcx
	cmp	$NR_HYPERCALL_SLOTS, %rax
	jae	2f
	sbb	%r11, %r11			/* SPC-4: all ones, or nothing to index with */
	and	%r11, %rax
	lea	hypercall_table(%rip), %r11
	call	*(%r11, %rax, 8)
	jmp	return_short
1:	mov	%rsp, %rdi
	call	syscall_from_user
	jmp	return_bounced
2:	mov	$-38, %rax			/* -ENOSYS */
	jmp	return_short

	.section .rodata, "a"
	.balign	8
syscall_vector:					/* error code, vector */
	.long	0, VECTOR_SYSCALL
	.section .text.entry, "ax"

/* SYSCALL from 32-bit code (AMD): the guest's callback of its own, or #UD. */
	.balign	16
	.globl	entry_syscall32
entry_syscall32:
	ENTER_STACK
	push	%r11
	push	$SEL_USER_CS32
	push	%rcx
	push	$0
	movl	$VECTOR_SYSCALL32, 4(%rsp)
	SAVE_REGS
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	syscall32_from_guest
	jmp	return_to_guest_here

/*
 * SYSENTER (Intel): rsp is the primary stack's top already; rip and rsp of the guest are unknown to
 * hardware, so the frame says cs 3, rip 0 (ABI). TF, NT and AC come from the guest: cleared here; a
 * #DB for TF on the first instruction is trap_debug_ist's.
 */
	.balign	16
	.globl	entry_sysenter
entry_sysenter:
	push	$SEL_USER_DS
	push	$0
	pushf
	orl	$0x200, (%rsp)
	push	$3
	push	$0
	push	$0
	movl	$VECTOR_SYSENTER, 4(%rsp)
	SAVE_REGS
	push	$0x002
	popf
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	sysenter_from_guest
	jmp	return_to_guest_here
	.section .note.GNU-stack, "", @progbits
