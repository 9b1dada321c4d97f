/* SPDX-License-Identifier: MIT */
/*
 * What the ways into guest mode and back have in common, whichever extension it is: general
 * registers by GUEST_FRAME, where a PV guest's stand, and the return stack.
 */
#include "frame.h"

/* All but rax and rsp. */
.macro LOAD_GUEST_REGS
	mov	GUEST_FRAME + REGS_R15(%rip), %r15
	mov	GUEST_FRAME + REGS_R14(%rip), %r14
	mov	GUEST_FRAME + REGS_R13(%rip), %r13
	mov	GUEST_FRAME + REGS_R12(%rip), %r12
	mov	GUEST_FRAME + REGS_RBX(%rip), %rbx
	mov	GUEST_FRAME + REGS_RBP(%rip), %rbp
	mov	GUEST_FRAME + REGS_R11(%rip), %r11
	mov	GUEST_FRAME + REGS_RCX(%rip), %rcx
	mov	GUEST_FRAME + REGS_R10(%rip), %r10
	mov	GUEST_FRAME + REGS_R9(%rip), %r9
	mov	GUEST_FRAME + REGS_R8(%rip), %r8
	mov	GUEST_FRAME + REGS_RDX(%rip), %rdx
	mov	GUEST_FRAME + REGS_RSI(%rip), %rsi
	mov	GUEST_FRAME + REGS_RDI(%rip), %rdi
.endm

.macro SAVE_GUEST_REGS
	mov	%r15, GUEST_FRAME + REGS_R15(%rip)
	mov	%r14, GUEST_FRAME + REGS_R14(%rip)
	mov	%r13, GUEST_FRAME + REGS_R13(%rip)
	mov	%r12, GUEST_FRAME + REGS_R12(%rip)
	mov	%rbx, GUEST_FRAME + REGS_RBX(%rip)
	mov	%rbp, GUEST_FRAME + REGS_RBP(%rip)
	mov	%r11, GUEST_FRAME + REGS_R11(%rip)
	mov	%rcx, GUEST_FRAME + REGS_RCX(%rip)
	mov	%r10, GUEST_FRAME + REGS_R10(%rip)
	mov	%r9, GUEST_FRAME + REGS_R9(%rip)
	mov	%r8, GUEST_FRAME + REGS_R8(%rip)
	mov	%rdx, GUEST_FRAME + REGS_RDX(%rip)
	mov	%rsi, GUEST_FRAME + REGS_RSI(%rip)
	mov	%rdi, GUEST_FRAME + REGS_RDI(%rip)
.endm

/* What a guest's calls left in the return stack predicts nothing of ours: 32 entries. */
.macro FILL_RETURN_STACK
	.rept	32
	call	771f
	int3
771:
	.endr
	add	$(32 * 8), %rsp
.endm

/* Nothing of the guest's is in a register that a wrong prediction could use. Not rax. */
.macro CLEAR_CALL_REGS
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
.endm

.macro PUSH_KEPT
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro POP_KEPT
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm
