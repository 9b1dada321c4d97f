/* SPDX-License-Identifier: MIT */
/*
 * From the startup IPI to 64-bit C on another CPU. SDM vol. 3 §9.4.4.
 *
 * smp.c copies [trampoline_start, trampoline_end) to a page below 1 MiB and fills in the words at
 * its end; the page is only executed and read here, but for word_unfit.
 * On entry: real mode, cs = page >> 4, ip =
 * 0, IF=0, nothing else known.
 */
#include <asm/layout.h>

#define AT(sym)	((sym) - trampoline_start)
#define CPUID_NX_LM	(1 << 20 | 1 << 29)	/* leaf 80000001H, EDX */

	.section .rodata.trampoline, "a"
	.code16
	.globl	trampoline_start, trampoline_end, trampoline_words
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	/* NXE below faults where there is no NX, and nobody is there to take the fault. */
	mov	$0x80000001, %eax
	cpuid
	and	$CPUID_NX_LM, %edx
	cmp	$CPUID_NX_LM, %edx
	jne	unfit
	/*
	 * PAE; the root; LME, NXE, SCE; then protection and paging at once: real mode ->
	 * compatibility mode.
	 */
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	AT(word_cr3), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax
	wrmsr
	lgdtl	AT(word_gdtr)
	mov	$0x80010001, %eax
	mov	%eax, %cr0
	ljmpl	*AT(word_jump)

unfit:						/* real mode still: the boot CPU reads the word */
	movl	$1, AT(word_unfit)
1:	hlt
	jmp	1b

	.code64
trampoline_64:
	/*
	 * The CPU's own area is behind the root: its stack, and the image. rip is still in the
	 * page, by slot 0.
	 */
	movabs	$VA_CPU_STACK_TOP, %rsp
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	xor	%ebp, %ebp
	mov	word_entry(%rip), %rax
	call	*%rax
	ud2

	.balign	8
trampoline_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* 08: 64-bit code */
/* struct trampoline_words in smp.c */
	.balign	8
trampoline_words:
word_entry:	.quad	0			/* C function */
word_cr3:	.long	0
word_jump:	.long	0			/* far pointer: trampoline_64 */
		.short	8
word_gdtr:	.short	15
		.long	0			/* address of trampoline_gdt */
word_unfit:	.long	0			/* this CPU has no 64-bit mode, or no NX */
	.globl	trampoline_64_offset, trampoline_gdt_offset
trampoline_64_offset:	.long AT(trampoline_64)
trampoline_gdt_offset:	.long AT(trampoline_gdt)
trampoline_end:
	.section .note.GNU-stack, "", @progbits
