/* SPDX-License-Identifier: MIT */
/*
 * First instruction of the PVH selftest guest, and the notes by which it is loaded
 * (<xen/elfnote.h>, PHYS32_ENTRY).
 *
 *   in    32-bit code, flat segments, paging off, EBX -> start_info; no stack
 *   does  stores what it finds, maps the low 4 GiB one to one by 2 MiB, goes to 64-bit mode
 *   out   pvh_main(), which does not return
 */
#include <xen/elfnote.h>

#define EFER		0xc0000080
#define EFER_LME	(1 << 8)
#define CR0_PG		(1 << 31)
#define CR4_PAE		(1 << 5)
#define PTE_TABLE	7		/* present, writable, user */
#define PTE_LARGE	0x87
#define SEL_CS		0x08
#define SEL_DS		0x10

/* AMD's, until machine_init() has found what this processor's is. */
	.macro HYPERCALL
771:	vmmcall
	.pushsection .hypercall_sites, "a"
	.quad	771b
	.popsection
	.endm

/* From 32-bit code, CR4.PAE set, paging off: 64-bit from the next far jump on. eax, ecx, edx. */
	.macro ENTER_LONG_MODE
	mov	$page_l4, %eax
	mov	%eax, %cr3
	mov	$EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	.endm

	.section .text.head, "ax"
	.code32
	.globl	pvh_entry
pvh_entry:
	mov	%eax, boot_state + 0x00
	mov	%ebx, boot_state + 0x08
	mov	%esp, boot_state + 0x10
	mov	$boot_stack_end, %esp
	pushf
	pop	boot_state + 0x18
	mov	%cr0, %eax
	mov	%eax, boot_state + 0x20
	mov	%cr4, %eax
	mov	%eax, boot_state + 0x28
	mov	%ds, %eax
	lar	%eax, %eax
	mov	$EFER, %ecx
	rdmsr
	mov	%eax, boot_state + 0x30

	/* Four page directories of 2 MiB pages. */
	mov	$page_directories, %edi
	mov	$PTE_LARGE, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b
	mov	$page_directories + PTE_TABLE, %eax
	mov	%eax, page_l3
	add	$0x1000, %eax
	mov	%eax, page_l3 + 8
	add	$0x1000, %eax
	mov	%eax, page_l3 + 16
	add	$0x1000, %eax
	mov	%eax, page_l3 + 24
	movl	$page_l3 + PTE_TABLE, page_l4

	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	ENTER_LONG_MODE
	lgdt	gdt_register
	ljmp	$SEL_CS, $2f

	.code64
2:	mov	$SEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$boot_stack_end, %esp
	xor	%ebp, %ebp
	mov	boot_state + 0x08, %edi
	call	pvh_main
3:	ud2
	jmp	3b

/*
 * Back to 32-bit code without paging, to end there: EFER.LME off, an instruction that needs
 * a way out, and then a triple fault. Attacks only.
 *   in    edi: 0, jump to paging with a code segment that has L and D; 1, VMMCALL there; 2, paging
 *         of three levels there
 */
	.globl	leave_long_mode
leave_long_mode:
	lgdt	gdt_register
	push	$0x28
	push	$4f
	lretq
	.code32
4:	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$SEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	cmp	$1, %edi
	je	6f
	cmp	$2, %edi
	je	8f
	mov	$EFER, %ecx
	rdmsr
	and	$~EFER_LME, %eax
	wrmsr
	ljmp	$0x30, $5f		/* L and D: legacy mode does not look at L */
5:	ENTER_LONG_MODE			/* not with this code segment */
	hlt
/* A call from 32-bit code: its answer, and back to 64-bit code. */
6:	mov	$17, %eax		/* xen_version */
	mov	$0, %ebx
	HYPERCALL
	mov	%eax, answer_32
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	ljmp	$SEL_CS, $7f
	.code64
7:	mov	$SEL_DS, %eax
	mov	%eax, %ss
	ret

/*
 * With PAE's tables of three levels, whose fourth GiB is the first one again: what is found at
 * answer_32 there, to its upper half, and back as above.
 */
	.code32
8:	mov	$EFER, %ecx
	rdmsr
	and	$~EFER_LME, %eax
	wrmsr
	mov	$page_pae, %eax
	mov	%eax, %cr3
	mov	%cr0, %edx
	mov	%edx, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	mov	$answer_32, %eax
	mov	0xc0000000(%eax), %esi
	mov	%edx, %cr0
	mov	%esi, answer_32 + 4
	ENTER_LONG_MODE
	ljmp	$SEL_CS, $7b
	.code64

/* 256 entries of 16 bytes: an error code, if the processor gives none, and the vector. */
	.globl	trap_stubs
	.balign	16
trap_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	cld
	call	trap
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

/* long user_call(code, stack): run @code in ring 3 until it does INT 80h; rax then. */
	.globl	user_call
user_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, user_back
	push	$0x1b			/* ss, rsp, rflags, cs, rip */
	push	%rsi
	push	$2
	push	$0x23
	push	%rdi
	iretq
	.globl	user_return
user_return:
	mov	user_back, %rsp
	mov	$SEL_DS, %ecx
	mov	%ecx, %ss
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl	user_vmmcall, user_cpuid
user_vmmcall:
	mov	$17, %eax
	xor	%edi, %edi
	HYPERCALL
	int	$0x80
user_cpuid:
	mov	$0x40000000, %eax
	cpuid
	mov	%ebx, %eax
	int	$0x80

	.data
	.balign	8
	.globl	gdt
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 08: 64-bit code */
	.quad	0x00cf93000000ffff	/* 10: data */
	.quad	0x00cff3000000ffff	/* 18: ring 3 data */
	.quad	0x00affb000000ffff	/* 20: ring 3 64-bit code */
	.quad	0x00cf9b000000ffff	/* 28: 32-bit code */
	.quad	0x00ef9b000000ffff	/* 30: code with L and D */
	.globl	gdt_tss
gdt_tss:
	.quad	0, 0			/* 38 */
gdt_end:
	.globl	gdt_register
gdt_register:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.balign	32
page_pae:
	.quad	page_directories + 1
	.quad	page_directories + 0x1001
	.quad	page_directories + 0x2001
	.quad	page_directories + 1
	.balign	8
user_back:
	.quad	0
	.globl	answer_32
answer_32:
	.quad	0

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
	.globl	page_l4
page_l4:
	.skip	4096
page_l3:
	.skip	4096
	.globl	page_directories
page_directories:
	.skip	4 * 4096
	.globl	hypercall_page
hypercall_page:
	.skip	4096
	.skip	4 * 4096
boot_stack_end:

	.macro	XEN_NOTE type, value:vararg
	.balign	4
	.long	4
	.long	2f - 1f
	.long	\type
	.asciz	"Xen"
1:	\value
2:	.balign	4
	.endm

	.section .note.Xen, "a", @note
	XEN_NOTE XEN_ELFNOTE_PHYS32_ENTRY, .long pvh_entry
	.section .note.GNU-stack, "", @progbits
