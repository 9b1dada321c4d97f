/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the hypervisor, for tests of the launcher: prints TEXT on com1, then does AFTER.
 * Built by launcher.t with -DTEXT='"..."' -DAFTER=halt|reset|poweroff|command_line.
 */
#define MB2_MAGIC	0xe85250d6
#define COM1		0x3f8
#define PM1A_CNT	0x604		/* where QEMU's firmware puts it on machine type pc */
#define SLP_EN_S5	0x2000

	.section .text, "ax"
	.balign 8
mb2:	.long	MB2_MAGIC, 0, mb2_end - mb2, -(MB2_MAGIC + (mb2_end - mb2))
	.short	0, 0
	.long	8
mb2_end:

	.code32
	.globl	_start
_start:
	mov	$text, %esi
	call	print
	jmp	AFTER

print:						/* %esi: text */
	mov	$COM1, %edx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	ret

/* print the multiboot2 command line and each module's, then power off */
command_line:
	mov	%ebx, %edi
	mov	(%edi), %ecx
	add	%edi, %ecx			/* end of the information */
	add	$8, %edi
3:	cmp	%ecx, %edi
	jae	poweroff
	mov	(%edi), %eax
	lea	8(%edi), %esi
	cmp	$1, %eax			/* command line */
	je	4f
	lea	16(%edi), %esi
	cmp	$3, %eax			/* module */
	jne	5f
4:	push	%esi
	mov	$bracket, %esi
	call	print
	pop	%esi
	call	print
	mov	$end, %esi
	call	print
5:	mov	4(%edi), %eax
	add	$7, %eax
	and	$-8, %eax
	add	%eax, %edi
	jmp	3b

poweroff:
	mov	$PM1A_CNT, %edx
	mov	$SLP_EN_S5, %eax
	out	%ax, %dx
halt:
	cli
	hlt
	jmp	halt
reset:						/* a triple fault */
	lidt	no_idt
	ud2

text:	.asciz	TEXT
bracket: .asciz	"["
end:	.asciz	"]\n"
no_idt:	.short	0
	.long	0
	.section .note.GNU-stack, "", @progbits
