/* SPDX-License-Identifier: MIT */
/*
 * SYSCALL, SYSENTER: a guest asks. The frame is drawn in frame.h.
 *
 * Every entry:
 *   in    ring 0, cs SEL_HV_CS64, IF=0; CR3 the root of the vcpu's mode, a guest's; every register
 *         that no line below speaks of is the guest's
 *   C is called with DF=AC=TF=0, rsp 16-byte aligned, rbp 0: the frame chain ends at the guest
 */
#include "frame.h"

/*
 * Begin the hardware's part of a frame on the primary stack.
 *   in    IF=0; rsp the guest's   out   rsp -> rsp ss; this_cpu.scratch is lost
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
 *   in    rcx = rip, r11 = rflags, rsp = the guest's; IF=TF=DF=AC=NT=0 by SFMASK
 *   hypercall: rax number (all of it), rdi rsi rdx r10 r8 r9 arguments -> result in rax, by way of
 *   hypercall_table, IF=1, the kernel root loaded; the frame is a short one
 *   out   by return_short, IF any; a user's by return_bounced, IF=0
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
2:	mov	$-ENOSYS, %rax
	jmp	return_short

	.section .rodata, "a"
	.balign	8
syscall_vector:					/* error code, vector */
	.long	0, VECTOR_SYSCALL
	.section .text.entry, "ax"

/*
 * SYSCALL from 32-bit code (AMD): the guest's callback of its own, or #UD.
 *   in    as from 64-bit code   out   by return_to_guest_here
 */
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
 *   in    rsp = VA_CPU_STACK_TOP; IF=VM=0, every other flag the guest's, whose IF was 1
 *   out   by return_to_guest_here
 */
	.balign	16
	.globl	entry_sysenter
entry_sysenter:
	push	$SEL_USER_DS
	push	$0
	pushf
	orl	$EFLAGS_IF, (%rsp)
	push	$SEL_RPL			/* cs */
	push	$0				/* rip */
	push	$0				/* error code, vector */
	movl	$VECTOR_SYSENTER, 4(%rsp)
	SAVE_REGS
	push	$EFLAGS_MBS
	popf
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	sysenter_from_guest
	jmp	return_to_guest_here
	.section .note.GNU-stack, "", @progbits
