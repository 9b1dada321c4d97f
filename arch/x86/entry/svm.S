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
#include "guest_mode.h"

	.section .text.entry, "ax"

/*
 * void svm_enter(u64 guest, u64 host)
 *   in    rdi, rsi: machine addresses of the guest's VMCB and the host's; IF=0, GIF=1
 *   out   IF=0, GIF=1; guest_regs() is the guest's but for what the VMCB has
 */
	.balign	16
	.globl	svm_enter
svm_enter:
	PUSH_KEPT
	push	%rsi
	mov	%rdi, %rax
	vmload	%rax
	clgi
	sti
	LOAD_GUEST_REGS
	CLEAR_BUFFERS
	vmrun	%rax
	SAVE_GUEST_REGS
	vmsave	%rax
	pop	%rax
	vmload	%rax
	FILL_RETURN_STACK
	CLEAR_CALL_REGS
	cli
	stgi
	POP_KEPT
	ret
	.section .note.GNU-stack, "", @progbits
