/* SPDX-License-Identifier: MIT */
/*
 * The one frame (struct regs, asm/regs.h), and how it is completed and undone.
 *
 *      %rsp ->  r15 r14 r13 r12 rbx r11 rcx rbp r10 r9 r8 rax rdx rsi rdi    SAVE_REGS
 *               error_code (4 bytes), vector (4 bytes)                      hardware or stub
 *               rip cs rflags rsp ss                                        hardware or entry
 *
 * A short frame has the lowest five, or seven, words missing: C preserves rbx and r12 to r15, so
 * they stay in their registers, and behind SYSCALL rcx and r11 are rip and rflags. It is completed
 * before anything runs that looks at them: exit_work(), which may switch, and the handlers of
 * exceptions but for the first look at a page fault. A bounce looks at rcx and r11 only, and those
 * are filled by what calls it behind a SYSCALL.
 */
#include <asm/layout.h>
#include <generated/asm-offsets.h>

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

/*
 * The last memory access before a guest: VERW empties buffers on parts that leak them (SPC-3). It
 * changes ZF. verw_patch() puts a NOP of seven bytes here where it is not due.
 */
.macro CLEAR_BUFFERS
661:	verw	verw_selector(%rip)
	.pushsection .verw_sites, "a", @progbits
	.long	661b - .
	.popsection
.endm

/*
 * What C does not preserve, but for rcx and r11, and rbp, which ends the chain of frames.
 *   in    rsp -> error_code, vector   out   rsp is 64 lower; no register has changed
 */
.macro SAVE_CALL_REGS
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%rbp
.endm

/*
 * The rest of a frame that hardware began, but the registers that C preserves: a short frame.
 *   in    rsp -> error_code, vector   out   rsp -> struct regs; no register has changed
 */
.macro SAVE_SHORT
	SAVE_CALL_REGS
	push	%rcx
	push	%r11
	sub	$(5 * 8), %rsp
.endm

/* A short frame behind SYSCALL: the same, and rcx and r11 are free for others. */
.macro SAVE_SHORT_SYSCALL
	SAVE_CALL_REGS
	sub	$(7 * 8), %rsp
.endm

/*
 * What SAVE_SHORT left out.
 *   in    rsp -> struct regs; every register that C preserves is the guest's still
 */
.macro COMPLETE_SHORT
	mov	%rbx, REGS_RBX(%rsp)
	mov	%r12, REGS_R12(%rsp)
	mov	%r13, REGS_R13(%rsp)
	mov	%r14, REGS_R14(%rsp)
	mov	%r15, REGS_R15(%rsp)
.endm

/* And what SAVE_SHORT_SYSCALL left out. rcx and r11 are lost. */
.macro COMPLETE_SYSCALL
	mov	REGS_RIP(%rsp), %rcx
	mov	%rcx, REGS_RCX(%rsp)
	mov	REGS_RFLAGS(%rsp), %r11
	mov	%r11, REGS_R11(%rsp)
.endm

/*
 * Undo a short frame, rax and all that SYSRET or IRET brings excepted.
 *   in    rsp -> struct regs   out   rsp as it was
 */
.macro LOAD_CALL_REGS
	mov	REGS_R10(%rsp), %r10
	mov	REGS_R9(%rsp), %r9
	mov	REGS_R8(%rsp), %r8
	mov	REGS_RDX(%rsp), %rdx
	mov	REGS_RSI(%rsp), %rsi
	mov	REGS_RDI(%rsp), %rdi
	mov	REGS_RBP(%rsp), %rbp
.endm

/* A whole frame.   in   rsp -> error_code, vector   out   rsp -> struct regs */
.macro SAVE_REGS
	SAVE_CALL_REGS
	push	%rcx
	push	%r11
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

/* Undo a whole frame, from below.   in   rsp -> struct regs   out   rsp -> r11 */
.macro RESTORE_KEPT_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
.endm

/*   in   rsp -> rbp   out   rsp -> error_code, vector */
.macro RESTORE_CALL_REGS
	pop	%rbp
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rdx
	pop	%rsi
	pop	%rdi
.endm

/*   in   rsp -> struct regs   out   rsp -> error_code, vector */
.macro RESTORE_REGS
	RESTORE_KEPT_REGS
	pop	%r11
	pop	%rcx
	RESTORE_CALL_REGS
.endm
