/* SPDX-License-Identifier: MIT */
/*
 * From the startup IPI to 64-bit C on another CPU. SDM vol. 3 §9.4.4.
 *
 * smp.c copies [trampoline_start, trampoline_end) to a page below 1 MiB and fills in the words at
 * its end; the page is only executed and read here, but for word_unfit.
 */
#include <asm/layout.h>
#include <generated/asm-offsets.h>

#define AT(sym)	((sym) - trampoline_start)
#define CPUID_EXTENDED_1 0x80000001
#define CPUID_NX_LM	(1 << CPUID_NX_BIT | 1 << CPUID_LM_BIT)	/* of EDX */
#define TRAMPOLINE_CS	0x08			/* of trampoline_gdt */

	.section .rodata.trampoline, "a"
	.code16
	.globl	trampoline_start, trampoline_end, trampoline_words
/*
 *   in    real mode, cs = page >> 4, ip = 0, IF=0; nothing else known
 *   out   to trampoline_64; by unfit, where the processor will not do
 */
trampoline_start:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	/* NXE below faults where there is no NX, and nobody is there to take the fault. */
	mov	$CPUID_EXTENDED_1, %eax
	cpuid
	and	$CPUID_NX_LM, %edx
	cmp	$CPUID_NX_LM, %edx
	jne	unfit
	/*
	 * PAE; the root; LME, NXE, SCE; then protection and paging at once: real mode ->
	 * compatibility mode.
	 */
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	AT(word_cr3), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$(EFER_SCE | EFER_LME | EFER_NXE), %eax
	wrmsr
	lgdtl	AT(word_gdtr)
	mov	$(CR0_PG | CR0_WP | CR0_PE), %eax
	mov	%eax, %cr0
	ljmpl	*AT(word_jump)

/*   in    real mode still, ds = cs   out   never: the boot CPU reads the word */
unfit:
	movl	$1, AT(word_unfit)
1:	hlt
	jmp	1b

	.code64
/*
 *   in    64-bit mode, IF=DF=0, the root that smp.c made: the CPU's own area is behind it, its
 *         stack and the image; rip is still in the page, by slot 0; segments but cs undefined
 *   out   word_entry's function, on the CPU's stack; never back
 */
trampoline_64:
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
		.short	TRAMPOLINE_CS
word_gdtr:	.short	15
		.long	0			/* address of trampoline_gdt */
word_unfit:	.long	0			/* this CPU has no 64-bit mode, or no NX */
	.globl	trampoline_64_offset, trampoline_gdt_offset
trampoline_64_offset:	.long AT(trampoline_64)
trampoline_gdt_offset:	.long AT(trampoline_gdt)
trampoline_end:
	.section .note.GNU-stack, "", @progbits
