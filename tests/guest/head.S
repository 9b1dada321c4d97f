/* SPDX-License-Identifier: MIT */
/*
 * First instruction of the selftest guest, and the ELF notes that tell a PV domain builder how to
 * load it.
 *
 *   in    %rsi -> start_info; ring 3, the hypervisor's "kernel mode"; a stack of one page;
 *         no trap table, events masked
 *   does  stores every register into boot_regs before changing any, then moves to our own stack
 *   out   never returns
 */
#include <xen/elfnote.h>

	.section .text.head, "ax"
	.globl	guest_entry
guest_entry:
	mov	%rax, boot_regs + 0x00(%rip)
	mov	%rbx, boot_regs + 0x08(%rip)
	mov	%rcx, boot_regs + 0x10(%rip)
	mov	%rdx, boot_regs + 0x18(%rip)
	mov	%rsi, boot_regs + 0x20(%rip)
	mov	%rdi, boot_regs + 0x28(%rip)
	mov	%rbp, boot_regs + 0x30(%rip)
	mov	%rsp, boot_regs + 0x38(%rip)
	mov	%r8, boot_regs + 0x40(%rip)
	mov	%r9, boot_regs + 0x48(%rip)
	mov	%r10, boot_regs + 0x50(%rip)
	mov	%r11, boot_regs + 0x58(%rip)
	mov	%r12, boot_regs + 0x60(%rip)
	mov	%r13, boot_regs + 0x68(%rip)
	mov	%r14, boot_regs + 0x70(%rip)
	mov	%r15, boot_regs + 0x78(%rip)
	lea	boot_stack_end(%rip), %rsp
	pushfq
	pop	boot_regs + 0x80(%rip)
	mov	%cs, %eax
	mov	%rax, boot_regs + 0x88(%rip)
	mov	%ss, %eax
	mov	%rax, boot_regs + 0x90(%rip)
	mov	%ds, %eax
	mov	%rax, boot_regs + 0x98(%rip)
	mov	%es, %eax
	mov	%rax, boot_regs + 0xa0(%rip)
	mov	%fs, %eax
	mov	%rax, boot_regs + 0xa8(%rip)
	mov	%gs, %eax
	mov	%rax, boot_regs + 0xb0(%rip)

	mov	%rsi, %rdi
	xor	%ebp, %ebp
	cld
	call	guest_main
1:	ud2
	jmp	1b

/*
 * int context_save(struct context *c)
 *   Returns 0 now, and the value of context_resume() later.
 * void context_resume(struct context *c, int value)
 *   Never returns. The layout of struct context is: rbx rbp r12 r13 r14 r15 rsp rip.
 */
	.text
	.globl	context_save
context_save:
	mov	%rbx, 0x00(%rdi)
	mov	%rbp, 0x08(%rdi)
	mov	%r12, 0x10(%rdi)
	mov	%r13, 0x18(%rdi)
	mov	%r14, 0x20(%rdi)
	mov	%r15, 0x28(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 0x30(%rdi)
	mov	(%rsp), %rax
	mov	%rax, 0x38(%rdi)
	xor	%eax, %eax
	ret

	.globl	context_resume
context_resume:
	mov	0x00(%rdi), %rbx
	mov	0x08(%rdi), %rbp
	mov	0x10(%rdi), %r12
	mov	0x18(%rdi), %r13
	mov	0x20(%rdi), %r14
	mov	0x28(%rdi), %r15
	mov	0x30(%rdi), %rsp
	mov	%esi, %eax
	cld
	jmp	*0x38(%rdi)

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
boot_stack:
	.skip	8 * 4096
boot_stack_end:

/* The hypervisor (or the domain builder) fills this page before the first instruction. */
	.section .text.head, "ax"
	.balign	4096
	.globl	hypercall_page
hypercall_page:
	.fill	4096, 1, 0xcc

	.macro	XEN_NOTE type, value:vararg
	.balign	4
	.long	4			/* bytes in the owner's name */
	.long	2f - 1f
	.long	\type
	.asciz	"Xen"
1:	\value
2:	.balign	4
	.endm

	.section .note.Xen, "a", @note
	XEN_NOTE XEN_ELFNOTE_GUEST_OS, .asciz "isola-selftest"
	XEN_NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
	XEN_NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
	XEN_NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	XEN_NOTE XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
	XEN_NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad 0
	XEN_NOTE XEN_ELFNOTE_ENTRY, .quad guest_entry
	XEN_NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
	XEN_NOTE XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
	XEN_NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x801	/* writable_page_tables, dom0 */
	XEN_NOTE XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	XEN_NOTE XEN_ELFNOTE_L1_MFN_VALID, .quad 1, 1
	XEN_NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long 1
	XEN_NOTE XEN_ELFNOTE_MOD_START_PFN, .quad 1

	.section .note.GNU-stack, "", @progbits
