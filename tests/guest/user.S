/* SPDX-License-Identifier: MIT */
/*
 * User programs, copied to USER_CODE and run in user mode; position independent, no calls.
 *   in    rdi = argument, rax = 0xa0a0, rcx = 0xc0c0, r11 = 0x1111, rsp = USER_STACK, the page at 0x401000 is writable
 *   out   whatever leaves user mode; a program that should have been left before ends in "syscall" with rax = 0xbad
 */
	.macro	PROGRAM name, body:vararg
	.globl	user_\name, user_\name\()_end
user_\name:
	\body
	mov	$0xbad, %eax
	syscall
user_\name\()_end:
	.endm

	.section .rodata, "a"
	PROGRAM	syscall, mov $0x1234, %eax; mov $0x55, %ebx; syscall
	PROGRAM	read, mov (%rdi), %rax
	PROGRAM	write, mov %rax, (%rdi)
	PROGRAM	int80, int $0x80
	PROGRAM	int81, int $0x81
	PROGRAM	int82, int $0x82
	PROGRAM	hlt, hlt
	PROGRAM	cli, cli
	PROGRAM	in, mov %edi, %edx; in %dx, %al
	PROGRAM	ud2, ud2
	PROGRAM	cpuid, mov $0x40000000, %eax; .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2; syscall
	PROGRAM	selectors, mov %cs, %eax; mov %ss, %ebx; syscall
	PROGRAM	spin, incq (%rdi); jmp user_spin
	PROGRAM	int3, int3
	PROGRAM	gs, mov %gs:0, %rax; syscall
	PROGRAM	nop, nop; nop; syscall

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
	.skip	4 * 4096
	.globl	user_kernel_stack_end
user_kernel_stack_end:

	.section .note.GNU-stack, "", @progbits
