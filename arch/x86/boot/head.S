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
#include <generated/asm-offsets.h>

#define MB2_MAGIC	0xe85250d6
#define COM1		0x3f8
#define COM1_LSR	(COM1 + 5)
#define COM1_THR_EMPTY	0x20
#define VGA_TEXT	0xb8000
#define VGA_WHITE	0x0f
#define CPUID_EXTENDED	0x80000000

#define PAGE		0x1000
#define LARGE_PAGE	0x200000
#define PTE_TABLE	(PTE_P | PTE_RW)
#define PTE_TEXT	(PTE_P | PTE_A)
#define PTE_DATA	(PTE_P | PTE_RW | PTE_A | PTE_D)
#define PTE_LARGE	(PTE_DATA | PTE_PS)
#define BOOT_CS		0x08		/* of boot_gdt */
#define BOOT_DS		0x10

#define PHYS(sym)	(sym - _start)(%ebp)

	.section .text.head, "ax"
	.code32
/*
 *   in    as the loader leaves it: above   out   to start32, IF=DF=0
 */
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
	/* A frame buffer of any size, for dom0's screen; on BIOS it is a VESA one. */
	.short	5, 1
	.long	20
	.long	0, 0, 0
	.balign 8
	/* Relocatable: anywhere in [1 MiB, 4 GiB), 2 MiB aligned, low preferred. */
	.short	10, 1
	.long	24
	.long	0x100000, 0xffffffff, LARGE_PAGE, 1
	.short	0, 0
	.long	8
mb2_end:

/*
 * To long mode.
 *   in    eax magic, ebx information; 32-bit protected mode, paging off, IF=DF=0, no stack
 *   out   to start64: compatibility mode's far return, on the boot root; edi magic, esi
 *         information, ebp the image's machine address. By refuse, where the processor will not do
 */
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
	xor	$EFLAGS_ID, %eax
	push	%eax
	popf
	pushf
	pop	%eax
	xor	%ecx, %eax
	test	$EFLAGS_ID, %eax
	lea	PHYS(msg_cpuid), %esi
	jz	refuse

	/* What head.S cannot do without. CPUID changes eax, ebx, ecx, edx. */
	mov	$CPUID_EXTENDED, %eax
	cpuid
	cmp	$(CPUID_EXTENDED + 1), %eax
	lea	PHYS(msg_long_mode), %esi
	jb	refuse
	mov	$(CPUID_EXTENDED + 1), %eax
	cpuid
	lea	PHYS(msg_long_mode), %esi
	bt	$CPUID_LM_BIT, %edx
	jnc	refuse
	lea	PHYS(msg_nx), %esi
	bt	$CPUID_NX_BIT, %edx
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
	add	$LARGE_PAGE, %eax
	add	$8, %edi
	loop	2b
	lea	PHYS(boot_l3_low), %edi
	lea	(PTE_TABLE + boot_l2_low - _start)(%ebp), %eax
	mov	$4, %ecx
3:	mov	%eax, (%edi)
	add	$PAGE, %eax
	add	$8, %edi
	loop	3b

	/* The image, 4 KiB pages by section: text R-X, rodata R--, the rest RW-. */
	lea	PHYS(image_l1), %edi
	mov	%ebp, %eax
	lea	PHYS(_etext), %edx
	mov	$PTE_TEXT, %ebx
	xor	%ecx, %ecx			/* high half: 0, or NX */
	call	map_until
	lea	PHYS(_erodata), %edx
	mov	$PTE_NX_HIGH, %ecx
	call	map_until
	lea	PHYS(_image_end), %edx
	mov	$PTE_DATA, %ebx
	call	map_until
	lea	(PTE_TABLE + image_l1 - _start)(%ebp), %eax
	mov	%eax, PHYS(image_l2)
	add	$PAGE, %eax
	mov	%eax, PHYS(image_l2 + 8)

	/* The boot CPU's own page and stack at their constant addresses. */
	lea	(PTE_DATA + boot_cpu_page - _start)(%ebp), %eax
	mov	%eax, PHYS(boot_cpu_l1 + 8 * CPU_PAGE_PRIVATE)
	movl	$PTE_NX_HIGH, PHYS(boot_cpu_l1 + 8 * CPU_PAGE_PRIVATE + 4)
	lea	(PTE_DATA + boot_stack - _start)(%ebp), %eax
	lea	PHYS(boot_cpu_l1 + 8 * CPU_PAGE_STACK), %edi
	mov	$CPU_STACK_PAGES, %ecx
4:	mov	%eax, (%edi)
	movl	$PTE_NX_HIGH, 4(%edi)
	add	$PAGE, %eax
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
	and	$~CR4_PGE, %eax
	mov	%eax, %cr4
	lea	PHYS(boot_l4), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$(EFER_SCE | EFER_LME | EFER_NXE), %eax
	wrmsr
	pop	%edi				/* magic */
	pop	%esi				/* information */
	mov	$(CR0_PG | CR0_WP | CR0_PE), %eax
	mov	%eax, %cr0
	/* Compatibility mode now, on the identity map. A GDT of our own leads to 64-bit mode. */
	lea	PHYS(boot_gdt), %eax
	mov	%eax, PHYS(boot_gdtr + 2)
	lgdt	PHYS(boot_gdtr)
	lea	PHYS(start64), %eax
	push	$BOOT_CS
	push	%eax
	lret

/*
 * L1 entries for the frames from %eax up to %edx.
 *   in    edi -> entry; ebx its low flags, ecx its high half   out   edi, eax beyond the last
 */
map_until:
	cmp	%edx, %eax
	jae	2f
	or	%ebx, %eax
	mov	%eax, (%edi)
	mov	%ecx, 4(%edi)
	and	$~(PAGE - 1), %eax
	add	$PAGE, %eax
	add	$8, %edi
	jmp	map_until
2:	ret

/*
 * To com1 (115200 8n1) and the VGA text page, then halt.
 *   in    esi -> a sentence; paging off   out   never
 */
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
	mov	$VGA_TEXT, %edi
2:	lodsb
	test	%al, %al
	jz	4f
	mov	%al, (%edi)
	movb	$VGA_WHITE, 1(%edi)
	add	$2, %edi
	mov	%al, %ah
	mov	$0x10000, %ecx			/* bounded: there may be no UART */
3:	mov	$COM1_LSR, %dx
	in	%dx, %al
	test	$COM1_THR_EMPTY, %al
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
/*
 * From the identity map to the image's own address, and to C.
 *   in    64-bit mode, the boot root, IF=DF=0; rip low; edi magic, esi information, ebp image,
 *         their high halves undefined; segments the loader's, no stack
 *   out   start(magic, information, image address), on the boot CPU's stack; never back
 */
start64:
	mov	%ebp, %ebp
	movabs	$1f, %rax
	jmp	*%rax
1:	mov	$BOOT_DS, %eax
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
