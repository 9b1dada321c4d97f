/* SPDX-License-Identifier: MIT */
/*
 * Where the hypervisor enters the guest: exceptions, events and callbacks.
 *
 * Frame at each entry, lowest address first; all of it pushed by the hypervisor, on the interrupted
 * stack when it interrupted kernel mode, on the stack of stack_switch when it interrupted user
 * mode:
 *
 *	rcx  r11  [error code | ds es fs gs]  rip  cs+mask  rflags  rsp  ss
 *
 * The bracket holds an error code for some exceptions, four selectors for the failsafe callback,
 * nothing otherwise. The frame is built downwards from a 16-byte boundary, so %rsp modulo 16 tells
 * whether an error code is there (0: eight quadwords) or not (8: seven). trap_enter() in C uses
 * that; nothing here depends on the vector.
 */
#include "trap_vectors.h"

	.text
	.globl	trap_stubs
	.balign	16
trap_stubs:				/* 16 bytes per vector, 0..255, then the callbacks */
	.set	vector, 0
	.rept	TRAP_NR_VECTORS
	.balign	16
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

/*
 * Every entry meets here.
 *   in    %rsp -> vector, then the frame above
 *   calls trap_enter(struct trap_regs *, struct trap_return *)
 *   out   through the iret hypercall, to what trap_enter left in struct trap_return
 */
	.balign	16
trap_common:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rbp
	mov	%rsp, %rbp
	mov	%rsp, %rdi		/* struct trap_regs */
	sub	$TRAP_RETURN_BYTES, %rsp
	and	$-16, %rsp
	mov	%rsp, %rsi		/* struct trap_return */
	cld
	call	trap_enter
	mov	0x08(%rbp), %r15
	mov	0x10(%rbp), %r14
	mov	0x18(%rbp), %r13
	mov	0x20(%rbp), %r12
	mov	0x28(%rbp), %rbx
	mov	0x30(%rbp), %r10
	mov	0x38(%rbp), %r9
	mov	0x40(%rbp), %r8
	mov	0x48(%rbp), %rax
	mov	0x50(%rbp), %rdx
	mov	0x58(%rbp), %rsi
	mov	0x60(%rbp), %rdi
	mov	0x70(%rbp), %rcx
	mov	0x78(%rbp), %r11
	mov	0x00(%rbp), %rbp
	jmp	hypercall_page + 23 * 32	/* pushes rcx r11 rax below flags, rip, ... */

/*
 * void user_enter(const struct user_entry *e)
 *   Enter user mode through the iret hypercall. Comes back only through context_resume(): whatever
 *   leaves user mode arrives at the stubs above.
 *   struct user_entry: flags rip cs rflags rsp ss rax rcx r11 rdi.
 */
	.globl	user_enter
user_enter:
	sub	$TRAP_RETURN_BYTES, %rsp
	.irp	off, 0x00, 0x08, 0x10, 0x18, 0x20, 0x28
	mov	\off(%rdi), %rax
	mov	%rax, \off(%rsp)
	.endr
	mov	0x30(%rdi), %rax
	mov	0x38(%rdi), %rcx
	mov	0x40(%rdi), %r11
	mov	0x48(%rdi), %rdi
	jmp	hypercall_page + 23 * 32

	.section .note.GNU-stack, "", @progbits
