/* SPDX-License-Identifier: MIT */
/*
 * From the loader's first instruction to 64-bit C on the boot root. Multiboot2 Specification 2.0,
 * §3.
 *
 * On entry (BIOS and UEFI alike): 32-bit protected mode, paging off, flat segments, IF=0, %eax =
 * magic, %ebx = machine address of the information. No stack. The image may lie at any 4 KiB
 * boundary below 4 GiB: %ebp holds the machine address of _start throughout the 32-bit part and
 * PHYS(x) reaches everything else.
 *
 * The boot root this builds (all in .bss.boot, thrown away by paging_init):
 *   0      identity, 0..4 GiB, 2 MiB pages: the instruction after "mov %cr0"
 *   257    image by 4 KiB pages, W^X; the boot CPU's page and stack at their constant addresses
 *   259    VA_PUBLIC + m, 0..4 GiB: the public heap's formula works for all low memory while
 *          booting
 */
#include <asm/layout.h>

#define MB2_MAGIC	0xe85250d6
#define CR4_PAE		(1 << 5)
#define CR0_PG_WP_PE	0x80010001
#define MSR_EFER	0xc0000080
#define EFER_SCE_LME_NXE 0x901
#define COM1		0x3f8

#define PTE_TABLE	0x003
#define PTE_LARGE	0x0e3		/* present, writable, accessed, dirty, 2 MiB */

#define PHYS(sym)	(sym - _start)(%ebp)

	.section .text.head, "ax"
	.code32
	.globl _start
_start:
	cli
	cld
	jmp	start32

	.balign 8
mb2_header:
	.long	MB2_MAGIC
	.long	0				/* i386 protected mode */
	.long	mb2_end - mb2_header
	.long	-(MB2_MAGIC + (mb2_end - mb2_header))
	/* Information we cannot do without: memory map. Optional ones are simply looked for. */
	.short	1, 0
	.long	12
	.long	6
	.balign 8
	/* Modules on page boundaries. */
	.short	6, 0
	.long	8
	/* Relocatable: anywhere in [1 MiB, 4 GiB), 2 MiB aligned, low preferred. */
	.short	10, 1
	.long	24
	.long	0x100000, 0xffffffff, 0x200000, 1
	.short	0, 0
	.long	8
mb2_end:

start32:
	mov	%eax, %edi			/* magic */
	mov	%ebx, %esi			/* information */
	/*
	 * Where are we? One word of stack is needed: the information's first 8 bytes (size,
	 * reserved) serve, and are put back.
	 */
	mov	(%esi), %ecx
	mov	4(%esi), %edx
	lea	8(%esi), %esp
	call	1f
1:	pop	%ebp
	mov	%ecx, (%esi)
	mov	%edx, 4(%esi)
	sub	$(1b - _start), %ebp
	lea	PHYS(boot_stack32_top), %esp
	push	%esi
	push	%edi

	/* CPUID exists (EFLAGS.ID flips)? SDM vol. 1 §20.1. */
	pushf
	pop	%eax
	mov	%eax, %ecx
	xor	$0x200000, %eax
	push	%eax
	popf
	pushf
	pop	%eax
	xor	%ecx, %eax
	test	$0x200000, %eax
	lea	PHYS(msg_cpuid), %esi
	jz	refuse

	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	lea	PHYS(msg_long_mode), %esi
	jb	refuse
	mov	$0x80000001, %eax
	cpuid
	lea	PHYS(msg_long_mode), %esi
	bt	$29, %edx
	jnc	refuse
	lea	PHYS(msg_nx), %esi
	bt	$20, %edx
	jnc	refuse

	/* Zero bss: a loader does so for the file's own sake, but we rely on it for page tables. */
	lea	PHYS(_sbss), %edi
	lea	PHYS(boot_stack32), %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	xor	%eax, %eax
	rep stosl

	/* Low 4 GiB: four L2 tables of 2 MiB pages, used for the identity map and for VA_PUBLIC. */
	lea	PHYS(boot_l2_low), %edi
	mov	$PTE_LARGE, %eax
	mov	$2048, %ecx
2:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	2b
	lea	PHYS(boot_l3_low), %edi
	lea	(PTE_TABLE + boot_l2_low - _start)(%ebp), %eax
	mov	$4, %ecx
3:	mov	%eax, (%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	3b

	/* The image, 4 KiB pages by section: text R-X, rodata R--, the rest RW-. */
	lea	PHYS(image_l1), %edi
	mov	%ebp, %eax
	lea	PHYS(_etext), %edx
	mov	$0x021, %ebx
	xor	%ecx, %ecx			/* high half: 0, or NX */
	call	map_until
	lea	PHYS(_erodata), %edx
	mov	$0x80000000, %ecx
	call	map_until
	lea	PHYS(_image_end), %edx
	mov	$0x063, %ebx
	call	map_until
	lea	(PTE_TABLE + image_l1 - _start)(%ebp), %eax
	mov	%eax, PHYS(image_l2)
	add	$0x1000, %eax
	mov	%eax, PHYS(image_l2 + 8)

	/* The boot CPU's own page and stack at their constant addresses. */
	lea	(0x063 + boot_cpu_page - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_cpu_l1 + 8 * CPU_PAGE_PRIVATE)
	movl	$0x80000000, PHYS(boot_cpu_l1 + 8 * CPU_PAGE_PRIVATE + 4)
	lea	(0x063 + boot_stack - _start)(%ebp), %eax
	lea	PHYS(boot_cpu_l1 + 8 * CPU_PAGE_STACK), %edi
	mov	$CPU_STACK_PAGES, %ecx
4:	mov	%eax, (%edi)
	movl	$0x80000000, 4(%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	4b
	lea	(PTE_TABLE + boot_cpu_l1 - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_cpu_l2)

	lea	(PTE_TABLE + boot_cpu_l2 - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_l3_cpu + 8 * 510)
	lea	(PTE_TABLE + image_l2 - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_l3_cpu + 8 * 511)

	lea	(PTE_TABLE + boot_l3_low - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_l4)
	mov	%eax, PHYS(boot_l4 + 8 * L4_SLOT_PUBLIC)
	lea	(PTE_TABLE + boot_l3_cpu - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_l4 + 8 * L4_SLOT_CPU)

	/* Long mode: PAE, the root, LME+NXE+SCE, then paging. SDM vol. 3 §10.8.5. */
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	and	$~(1 << 7), %eax		/* PGE stays 0 */
	mov	%eax, %cr4
	lea	PHYS(boot_l4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SCE_LME_NXE, %eax
	wrmsr
	pop	%edi				/* magic */
	pop	%esi				/* information */
	mov	$CR0_PG_WP_PE, %eax
	mov	%eax, %cr0
	/* Compatibility mode now, on the identity map. A GDT of our own leads to 64-bit mode. */
	lea	PHYS(boot_gdt), %eax
	mov	%eax, PHYS(boot_gdtr + 2)
	lgdt	PHYS(boot_gdtr)
	lea	PHYS(start64), %eax
	push	$8
	push	%eax
	lret

/*
 * Fill %edi (L1 entries) with frames from %eax up to %edx; %ebx low flags, %ecx the entries' high
 * half.
 */
map_until:
	cmp	%edx, %eax
	jae	2f
	or	%ebx, %eax
	mov	%eax, (%edi)
	mov	%ecx, 4(%edi)
	and	$0xfffff000, %eax
	add	$0x1000, %eax
	add	$8, %edi
	jmp	map_until
2:	ret

/* %esi: a sentence. To com1 (115200 8n1) and the VGA text page, then halt. */
refuse:
	mov	%esi, %ebx
	lea	PHYS(com1_setup), %edi
	mov	$6, %ecx
1:	movzbl	(%edi), %edx
	add	$COM1, %edx
	mov	1(%edi), %al
	out	%al, %dx
	add	$2, %edi
	loop	1b
	mov	$0xb8000, %edi
2:	lodsb
	test	%al, %al
	jz	4f
	mov	%al, (%edi)
	movb	$0x0f, 1(%edi)
	add	$2, %edi
	mov	%al, %ah
	mov	$0x10000, %ecx			/* bounded: there may be no UART */
3:	mov	$(COM1 + 5), %dx
	in	%dx, %al
	test	$0x20, %al
	loopz	3b
	mov	$COM1, %dx
	mov	%ah, %al
	out	%al, %dx
	jmp	2b
4:	cli
	hlt
	jmp	4b

com1_setup:	/* register, value: DLAB, divisor 1, 8n1, FIFO off, no interrupts */
	.byte	3, 0x80, 0, 1, 1, 0, 3, 3, 2, 0, 1, 0
msg_cpuid:
	.ascii "\r\n(isola) FATAL: this processor has no CPUID instruction; "
	.asciz "a 64-bit x86 processor is needed\r\n"
msg_long_mode:
	.ascii "\r\n(isola) FATAL: this processor has no long mode (CPUID 80000001h EDX bit 29); "
	.asciz "a 64-bit x86 processor is needed\r\n"
msg_nx:
	.ascii "\r\n(isola) FATAL: this processor does not offer NX (CPUID 80000001h EDX bit 20), "
	.asciz "or the firmware hides it\r\n"

	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* 08: 64-bit code, accessed */
	.quad	0x00cf93000000ffff		/* 10: data */
	.balign 8

	.code64
start64:
	/* Identity map, rip low. %edi magic, %esi information, %ebp image. To the real address. */
	mov	%ebp, %ebp
	movabs	$1f, %rax
	jmp	*%rax
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	lea	boot_gdt(%rip), %rax
	mov	%rax, boot_gdtr + 2(%rip)
	lgdt	boot_gdtr(%rip)
	movabs	$VA_CPU_STACK_TOP, %rsp
	mov	%edi, %edi
	mov	%esi, %esi
	mov	%rbp, %rdx
	xor	%ebp, %ebp			/* end of the frame chain */
	/* start(magic, information, image address): does not return */
	call	start
	ud2

	.section .data, "aw"
	.balign 8
	.short	0, 0, 0
boot_gdtr:
	.short	23
	.quad	0

	.section .bss.boot, "aw", @nobits
	.balign 4096
	.globl	boot_bss_start
boot_bss_start:
boot_l4:	.skip 4096
boot_l3_low:	.skip 4096
boot_l2_low:	.skip 4 * 4096
boot_l3_cpu:	.skip 4096
boot_cpu_l2:	.skip 4096
boot_cpu_l1:	.skip 4096
boot_cpu_page:	.skip 4096
boot_stack:	.skip CPU_STACK_PAGES * 4096
image_l2:	.skip 4096
image_l1:	.skip 2 * 4096
boot_stack32:	.skip 256			/* not zeroed above: in use by then */
boot_stack32_top:
	.section .note.GNU-stack, "", @progbits
