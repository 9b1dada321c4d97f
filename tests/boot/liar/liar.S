/* SPDX-License-Identifier: MIT */
/*
 * A loader that lies: puts bytes where its script says and jumps to an entry point with EAX and EBX
 * of its choice.
 *
 * QEMU loads it by -kernel (multiboot 1), and its script by -initrd, as the first module:
 *   eax, ebx, entry, number of records; then, per record: destination, length, bytes padded to 4.
 * It stands at 256 MiB, so everything below is free for the script. The state at the jump is what
 * multiboot2 asks for: 32-bit protected mode, paging off, flat segments, interrupts off, no stack
 * to rely on.
 */
#define MB1_MAGIC	0x1badb002
#define MB1_FLAGS	3			/* page-aligned modules, memory information */

	.section .text, "ax"
	.code32
	.balign 4
	.long	MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

	.globl	_start
_start:						/* ebx: multiboot 1 information */
	cld
	mov	24(%ebx), %esi			/* mods_addr: the list of modules */
	mov	(%esi), %esi			/* the first one's start: the script */
	lea	(%esi), %esp			/* keeps the script's address; nothing is pushed */
	mov	12(%esi), %edx
	add	$16, %esi
1:	test	%edx, %edx
	jz	2f
	mov	(%esi), %edi
	mov	4(%esi), %ecx
	add	$8, %esi
	rep movsb
	add	$3, %esi
	and	$~3, %esi
	dec	%edx
	jmp	1b
2:	mov	(%esp), %eax
	mov	4(%esp), %ebx
	mov	8(%esp), %edx
	jmp	*%edx
	.section .note.GNU-stack, "", @progbits
