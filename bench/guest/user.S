/* SPDX-License-Identifier: MIT */
/*
 * User programs, copied to USER_CODE; position independent.
 *   in    rdi -> samples, esi = how many, rbx = USER_NOTHING, r9 = length of the instruction that
 *         faults
 *   out   system call CALL_LEAVE
 */
#include "timed.h"

	.macro	READ_TSC
	lfence
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	.endm

	/* @op between two readings; the difference is stored. */
	.macro	PROGRAM name, op:vararg
	.globl	\name
\name:
1:	READ_TSC
	mov	%rax, %r8
	mov	$CALL_RETURN, %eax
	.globl	op_\name, op_end_\name
op_\name:
	\op
op_end_\name:
	READ_TSC
	sub	%r8, %rax
	mov	%rax, (%rdi)
	add	$8, %rdi
	dec	%esi
	jnz	1b
	xor	%eax, %eax
	syscall
	.endm

	.section .rodata, "a"
	.globl	user_begin, user_end
user_begin:
	PROGRAM	user_nothing
	PROGRAM	user_call, syscall
	PROGRAM	user_fault, mov (%rbx), %rax

/* The way in and the way out apart: two words for each time. */
	.globl	user_split
user_split:
1:	READ_TSC
	mov	%rax, %r8
	mov	$CALL_SPLIT, %eax
	syscall
	READ_TSC
	sub	%r10, %rax
	sub	%r8, %r9
	mov	%r9, (%rdi)
	mov	%rax, 8(%rdi)
	add	$16, %rdi
	dec	%esi
	jnz	1b
	xor	%eax, %eax
	syscall

/* The way in by INT. */
	.globl	user_int, op_user_int, op_end_user_int
user_int:
1:	READ_TSC
	mov	%rax, %r8
op_user_int:
	int	$INT_VECTOR
op_end_user_int:
	sub	%r8, %r9
	mov	%r9, (%rdi)
	add	$8, %rdi
	dec	%esi
	jnz	1b
	xor	%eax, %eax
	syscall
user_end:
	.section .note.GNU-stack, "", @progbits
