/* SPDX-License-Identifier: MIT */
/*
 * A call of a function of EFI firmware: Microsoft's calling convention, as UEFI Specification 2.9,
 * 2.3.4 has it.
 */

	.text
/*
 * u64 firmware_enter(u64 function, const u64 argument[5])
 *   in    on the firmware's root (firmware_root.c); rdi, rsi
 *   out   rax what the function returns, or all ones: firmware_fault() has ended it. The stack and
 *         the registers that a call preserves are the caller's, whatever the function did to them
 */
	.globl	firmware_enter
firmware_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, firmware_sp(%rip)
	mov	%rdi, %rax
	mov	%rsi, %r11
	sub	$48, %rsp			/* 32 bytes that are the function's; the fifth */
	and	$~15, %rsp
	mov	32(%r11), %r10
	mov	%r10, 32(%rsp)
	mov	0(%r11), %rcx
	mov	8(%r11), %rdx
	mov	16(%r11), %r8
	mov	24(%r11), %r9
	cld
	call	*%rax
firmware_left:
	mov	firmware_sp(%rip), %rsp
	cld
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

/*
 * Where an exception of the firmware's goes on.
 *   in    any registers; rsp firmware_sp
 */
	.globl	firmware_faulted
firmware_faulted:
	mov	$-1, %rax
	jmp	firmware_left

	.bss
	.balign	8
/* The caller's stack; of who is in the firmware. */
	.globl	firmware_sp
firmware_sp:
	.skip	8

	.section .note.GNU-stack, "", @progbits
