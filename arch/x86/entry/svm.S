/* SPDX-License-Identifier: MIT */
/*
 * Into a guest and back, on SVM: APM vol. 2 §15.5, §15.17.
 *
 * Between CLGI and STGI nothing is taken: NMI, #MC's interrupt, SMI and INTR wait. With
 * V_INTR_MASKING it is the host's IF that decides whether a physical interrupt ends the guest's
 * run, so it is 1 at VMRUN; its shadow is over by then. VMRUN and #VMEXIT switch neither TR nor
 * LDTR, FS, GS and the MSRs of SYSCALL and SYSENTER: VMLOAD of the host's comes before STGI, since
 * ISTs need our TR.
 */
#include "frame.h"

	.section .text.entry, "ax"

/* What a guest's calls left in the return stack predicts nothing of ours: 32 entries. */
.macro FILL_RETURN_STACK
	.rept	32
	call	771f
	int3
771:
	.endr
	add	$(32 * 8), %rsp
.endm

/*
 * void svm_enter(u64 guest, u64 host)
 *   in    rdi, rsi: machine addresses of the guest's VMCB and the host's; IF=0, GIF=1
 *   out   IF=0, GIF=1; guest_regs() is the guest's but for what the VMCB has
 */
	.balign	16
	.globl	svm_enter
svm_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi
	mov	%rdi, %rax
	vmload	%rax
	clgi
	sti
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
	CLEAR_BUFFERS
	vmrun	%rax
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
	vmsave	%rax
	pop	%rax
	vmload	%rax
	FILL_RETURN_STACK
	/* Nothing of the guest's is in a register that a wrong prediction could use. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	cli
	stgi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.section .note.GNU-stack, "", @progbits
