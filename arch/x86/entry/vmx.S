/* SPDX-License-Identifier: MIT */
/*
 * Into a guest and back, on VMX: SDM vol. 3 chapters 26 and 27 (of its 2021 edition, as all here).
 *
 * An exit loads what the VMCS has of the host: CR0, CR3, CR4, EFER, segments, TR, the tables'
 * bases, SYSENTER; RFLAGS is 2, so interrupts are off; an NMI that ended the guest's run is blocked
 * still. It comes to vmx_exited, on the stack that HOST_RSP names: the same at each turn, so that
 * it is written once.
 */
#include "guest_mode.h"

#define VMCS_HOST_RSP	0x6c14
#define HOST_RSP_WRITTEN this_hvm_vendor		/* struct vmx_vcpu: its first word */

	.section .text.entry, "ax"

/*
 * bool vmx_enter(bool launched)
 *   in    edi: VMRESUME or VMLAUNCH; the current VMCS is loaded; IF=0
 *   out   IF=0; eax 0: it has run, and guest_regs() is the guest's but for what the VMCS has;
 *         1: neither instruction has been executed, the VMCS says why
 */
	.balign	16
	.globl	vmx_enter
vmx_enter:
	PUSH_KEPT
	cmp	%rsp, HOST_RSP_WRITTEN(%rip)
	je	1f
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	mov	%rsp, HOST_RSP_WRITTEN(%rip)
	/* CF: VERW changes ZF alone, MOV nothing. */
1:	bt	$0, %edi
	LOAD_GUEST_REGS
	mov	GUEST_FRAME + REGS_RAX(%rip), %rax
	CLEAR_BUFFERS
	jc	2f
	vmlaunch
	jmp	3f
2:	vmresume
3:	mov	$1, %eax
	jmp	4f

	.balign	16
	.globl	vmx_exited
vmx_exited:
	mov	%rax, GUEST_FRAME + REGS_RAX(%rip)
	SAVE_GUEST_REGS
	FILL_RETURN_STACK
	xor	%eax, %eax
4:	CLEAR_CALL_REGS
	POP_KEPT
	ret
	.section .note.GNU-stack, "", @progbits
