/* SPDX-License-Identifier: MIT */
/*
 * void hcall_raw(struct call *c)
 *   One SYSCALL with all registers known before and looked at afterwards. ABI: rcx, r11 and rax are
 *   the hypervisor's; the rest survives (<xen/arch-x86/xen-x86_64.h>), but that a call that was
 *   interrupted may have moved on its own arguments.
 *   struct call: nr, a[6] at 0x08; rax at 0x38, after[6] at 0x40, kept[6] at 0x70, mark at 0xa0
 */
	.text
	.globl	hcall_raw
hcall_raw:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	mov	%rdi, %rcx
	mov	0xa0(%rcx), %rbx
	lea	1(%rbx), %rbp
	lea	2(%rbx), %r12
	lea	3(%rbx), %r13
	lea	4(%rbx), %r14
	lea	5(%rbx), %r15
	mov	0x00(%rcx), %rax
	mov	0x08(%rcx), %rdi
	mov	0x10(%rcx), %rsi
	mov	0x18(%rcx), %rdx
	mov	0x20(%rcx), %r10
	mov	0x28(%rcx), %r8
	mov	0x30(%rcx), %r9
	syscall
	mov	(%rsp), %rcx
	mov	%rax, 0x38(%rcx)
	mov	%rdi, 0x40(%rcx)
	mov	%rsi, 0x48(%rcx)
	mov	%rdx, 0x50(%rcx)
	mov	%r10, 0x58(%rcx)
	mov	%r8, 0x60(%rcx)
	mov	%r9, 0x68(%rcx)
	mov	%rbx, 0x70(%rcx)
	mov	%rbp, 0x78(%rcx)
	mov	%r12, 0x80(%rcx)
	mov	%r13, 0x88(%rcx)
	mov	%r14, 0x90(%rcx)
	mov	%r15, 0x98(%rcx)
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
