/* SPDX-License-Identifier: MIT */
/*
 * First instruction of the unpacker, and the ELF notes by which it is loaded: its first page is the
 * record, so that the hypervisor knows where that is.
 *
 *   in    %rsi -> start_info; ring 3, the hypervisor's "kernel mode"; no trap table: a fault is
 *         its end
 *   does  takes its own stack, and has FS point at what the libraries' stack protectors read
 *         (FS:0x28)
 *   out   never returns
 */
#include <xen/elfnote.h>

#define HYPERVISOR_set_segment_base	25
#define HYPERVISOR_sched_op		29
#define SEGBASE_FS			0
#define STUB_BYTES			32

	.section .record, "aw", @progbits
	.globl	record
record:
	.fill	4096, 1, 0

	.text
	.globl	unpacker_entry
unpacker_entry:
	lea	stack_end(%rip), %rsp
	mov	%rsi, %rbx
	mov	$SEGBASE_FS, %edi
	lea	thread(%rip), %rsi
	call	hypercall_page + HYPERVISOR_set_segment_base * STUB_BYTES
	mov	%rbx, %rdi
	xor	%ebp, %ebp
	cld
	call	unpacker_main
	ud2

/* long hypercall_sched_op(unsigned long cmd, void *arg) */
	.globl	hypercall_sched_op
hypercall_sched_op:
	jmp	hypercall_page + HYPERVISOR_sched_op * STUB_BYTES

	.bss
	.balign	64
thread:
	.skip	64
	.balign	4096
	.skip	128 * 1024
stack_end:

	.section .text.hypercalls, "ax"
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
	XEN_NOTE XEN_ELFNOTE_GUEST_OS, .asciz "isola-unpacker"
	XEN_NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
	XEN_NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	XEN_NOTE XEN_ELFNOTE_VIRT_BASE, .quad virt_base
	XEN_NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad virt_base
	XEN_NOTE XEN_ELFNOTE_ENTRY, .quad unpacker_entry
	XEN_NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
	XEN_NOTE XEN_ELFNOTE_PAE_MODE, .asciz "yes"

	.section .note.GNU-stack, "", @progbits
