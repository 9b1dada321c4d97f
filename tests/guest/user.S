/* SPDX-License-Identifier: MIT */
/*
 * User programs, copied to USER_CODE and run in user mode; position independent, no calls.
 *   in    rdi = argument, rax = 0xa0a0, rcx = 0xc0c0, r11 = 0x1111, rsp = USER_STACK; the page at
 *         0x401000 is writable
 *   out   whatever leaves user mode; a program that should have been left before ends in "syscall"
 *         with rax = 0xbad
 */
	.macro	PROGRAM name
	.globl	user_\name, user_\name\()_end
user_\name:
	.endm
	.macro	END name
	mov	$0xbad, %eax
	syscall
user_\name\()_end:
	.endm

	.section .rodata, "a"
PROGRAM syscall
	mov	$0x1234, %eax
	mov	$0x55, %ebx
	syscall
END syscall

PROGRAM hypercall		/* rdi = number */
	mov	%edi, %eax
	mov	$2, %edi
	xor	%esi, %esi
	syscall
END hypercall

PROGRAM read
	mov	(%rdi), %rax
END read

PROGRAM write
	mov	%rax, (%rdi)
END write

PROGRAM jump
	jmp	*%rdi
END jump

PROGRAM int80
	int	$0x80
END int80

PROGRAM int81
	int	$0x81
END int81

PROGRAM int82
	int	$0x82
END int82

PROGRAM int3
	int3
END int3

PROGRAM hlt
	hlt
END hlt

PROGRAM cli
	cli
END cli

PROGRAM in			/* rdi = port */
	mov	%edi, %edx
	in	%dx, %al
END in

PROGRAM rdmsr			/* rdi = index */
	mov	%edi, %ecx
	rdmsr
END rdmsr

PROGRAM mov_cr0
	mov	%cr0, %rax
END mov_cr0

PROGRAM ud2
	ud2
END ud2

PROGRAM cpuid			/* ud2; "xen"; cpuid: the forced-emulation prefix */
	mov	$0x40000000, %eax
	.byte	0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2
	syscall
END cpuid

PROGRAM selectors
	mov	%cs, %eax
	mov	%ss, %ebx
	syscall
END selectors

PROGRAM sysenter
	sysenter
END sysenter

PROGRAM spin			/* rdi -> counter; never ends by itself */
1:	incq	(%rdi)
	jmp	1b
END spin

PROGRAM gs
	mov	%gs:0, %rax
	syscall
END gs

PROGRAM fs
	mov	%fs:0, %rax
	syscall
END fs

PROGRAM nop
	nop
	nop
	syscall
END nop

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
	.skip	4 * 4096
	.globl	user_kernel_stack_end
user_kernel_stack_end:

	.section .note.GNU-stack, "", @progbits
