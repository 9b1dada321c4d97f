/* SPDX-License-Identifier: MIT */
/*
 * The one frame (struct regs, asm/regs.h), and how it is completed and undone.
 *
 *      %rsp ->  r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi    SAVE_REGS
 *               error_code (4 bytes), vector (4 bytes)                      hardware or stub
 *               rip cs rflags rsp ss                                        hardware or entry
 */
#include <asm/layout.h>
#include <generated/asm-offsets.h>

#define VECTOR_SYSCALL	0x100
#define VECTOR_SYSCALL32 0x101
#define VECTOR_SYSENTER	0x102

/*
 * Instructions that exist only where SMAP does: three-byte NOPs until smap_patch() writes the real
 * ones.
 */
.macro SMAP_SITE opcode
661:	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a", @progbits
	.long	661b - .
	.long	\opcode
	.popsection
.endm
#define STAC	SMAP_SITE 0xcb
#define CLAC	SMAP_SITE 0xca

.macro SAVE_REGS
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro RESTORE_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
.endm
