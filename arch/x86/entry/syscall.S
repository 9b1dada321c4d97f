/* SPDX-License-Identifier: MIT */
/*
 * SYSCALL, SYSENTER: a guest asks; and the way back from a hypercall. frame.h draws the frame.
 *
 * Every entry:
 *   in    ring 0, cs SEL_HV_CS64, IF=0; CR3 the root of the vcpu's mode, a guest's; every register
 *         that no line below speaks of is the guest's
 *   C is called with DF=AC=TF=0
 */
#include "frame.h"

	.section .text.entry, "ax"

/*
 * SYSCALL from 64-bit code: a hypercall from the guest's kernel, or a system call of the guest's
 * user.
 *   in    rcx = rip, r11 = rflags, rsp = the guest's; IF=TF=DF=AC=NT=0 by SFMASK
 *   hypercall: rax number (all of it), rdi rsi rdx r10 r8 r9 arguments -> result in rax, by way of
 *   hypercall_table, IF=1, the kernel root loaded; the frame is a short one
 *   out   of a hypercall by what follows, of a user by return_bounced, IF=0
 */
	.balign 16
	.globl	entry_syscall
entry_syscall:
	SAVE_SHORT_SYSCALL
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	from_user
	sti
	mov	%r10, %rcx
	cmp	$NR_HYPERCALL_SLOTS, %rax
	jae	no_hypercall
	and	$(NR_HYPERCALL_SLOTS - 1), %eax	/* SPC-4: a power of two */
	lea	hypercall_table(%rip), %r11
	call	*(%r11, %rax, 8)

/*
 * Back from a hypercall. rip is what SYSCALL left, or the SYSCALL's, to be made again: the one such
 * that is not canonical (frame.h) is 2^47, behind the last two bytes of the lower half.
 *   in    rsp = guest_regs(), a short frame; rax = the result; IF any; the kernel root loaded, or
 *         the user root and work to do, where an iret in a multicall left
 *   out   to the guest, every register as the frame has it, rax the result
 */
return_hypercall:
	cli
	IF_WORK	hypercall_work
	IF_EVENT event
	cmpl	$(1 << 47 >> 32), REGS_RIP + 4(%rsp)
	je	complete_hypercall
	SYSRET_SHORT

no_hypercall:
	mov	$-ENOSYS, %rax
	jmp	return_hypercall

/*   in    a short frame, rax the guest's, IF=0   out   bounced, by return_bounced */
from_user:
	mov	%rax, REGS_RAX(%rsp)
	mov	%rsp, %rdi
	call	syscall_from_user
/*
 * A bounce has filled what SYSRET brings: rip is a handler's, which was checked when it was
 * registered. Nothing can be due: interrupts have been off since the guest was left, or since it
 * was looked for.
 *   in    rsp = guest_regs(), short, rax filled; IF=0; the kernel root loaded
 *   out   to the guest, every register as the frame has it
 */
	.globl	return_bounced
return_bounced:
	mov	REGS_RAX(%rsp), %rax
	SYSRET_SHORT

/*
 * HYPERVISOR_iret, as a hypercall's function. pv_iret() fills the frame, and says how to leave:
 * with SYSRET it is a short one of a SYSCALL, with IRET rcx, r11, cs and ss are filled as well.
 *   in    called, as C is   out   to the guest
 */
	.globl	hc_iret
hc_iret:
	add	$8, %rsp
	call	pv_iret				/* IF=0 from here on */
	IF_WORK	hypercall_work
	cmpb	$IRET_BY_SYSRET, this_vcpu + VCPU_IRET(%rip)
	movb	$IRET_NONE, this_vcpu + VCPU_IRET(%rip)
	jne	iret_by_iret
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	1f
	IF_EVENT event
1:	IF_NOT_CANONICAL complete_hypercall
	SYSRET_SHORT
iret_by_iret:
	cmpb	$0, this_vcpu + VCPU_KERNEL_MODE(%rip)
	je	2f
	IF_EVENT event_after_iret
2:	LOAD_CALL_REGS
	mov	REGS_RCX(%rsp), %rcx
	mov	REGS_R11(%rsp), %r11
	add	$REGS_RIP, %rsp
	jmp	return_iret

/*
 * An upcall is due, and nothing else: a short frame is all that its bounce needs.
 *   in    as return_hypercall, IF=0   out   by return_bounced, or C does not come back
 */
event:
	mov	%rax, REGS_RAX(%rsp)
	call	bounce_event_after_hypercall
	jmp	return_bounced
event_after_iret:
	mov	%rax, REGS_RAX(%rsp)
	call	bounce_event_after_iret
	jmp	return_bounced

/*
 * Something else is due. VCPU_IRET is IRET_NONE but behind pv_iret().
 *   in    as return_hypercall, IF=0   out   to return_work, with a whole frame
 */
hypercall_work:
	mov	%rax, REGS_RAX(%rsp)
	COMPLETE_SHORT
	movl	$0, REGS_VECTOR(%rsp)
	cmpb	$IRET_BY_IRET, this_vcpu + VCPU_IRET(%rip)
	movb	$IRET_NONE, this_vcpu + VCPU_IRET(%rip)
	je	return_work
	COMPLETE_SYSCALL
	jmp	return_work

/*   in    a short frame of a SYSCALL, rip not canonical; rax the result; IF=0, nothing is due */
complete_hypercall:
	mov	%rax, REGS_RAX(%rsp)
	COMPLETE_SHORT
	COMPLETE_SYSCALL
	jmp	return_by_iret

/*
 * SYSCALL from 32-bit code (AMD): the guest's callback of its own, or #UD.
 *   in    as from 64-bit code   out   by return_to_guest_here
 */
	.balign	16
	.globl	entry_syscall32
entry_syscall32:
	mov	%rsp, GUEST_FRAME + REGS_RSP(%rip)
	lea	GUEST_FRAME + REGS_RSP(%rip), %rsp
	movq	$SEL_USER_DS, REGS_SS - REGS_RSP(%rsp)
	push	%r11
	push	$SEL_USER_CS32
	push	%rcx
	push	$0
	movl	$VECTOR_SYSCALL32, 4(%rsp)
	SAVE_REGS
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	syscall32_from_guest
	jmp	return_to_guest_here

/*
 * SYSENTER (Intel): rsp is the primary stack's top already; rip and rsp of the guest are unknown to
 * hardware, so the frame says cs 3, rip 0 (ABI). TF, NT and AC come from the guest: cleared here; a
 * #DB for TF on the first instruction is trap_debug_ist's.
 *   in    rsp = VA_CPU_STACK_TOP; IF=VM=0, every other flag the guest's, whose IF was 1
 *   out   by return_to_guest_here
 */
	.balign	16
	.globl	entry_sysenter
entry_sysenter:
	push	$SEL_USER_DS
	push	$0
	pushf
	orl	$EFLAGS_IF, (%rsp)
	push	$SEL_RPL			/* cs */
	push	$0				/* rip */
	push	$0				/* error code, vector */
	movl	$VECTOR_SYSENTER, 4(%rsp)
	SAVE_REGS
	push	$EFLAGS_MBS
	popf
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	sysenter_from_guest
	jmp	return_to_guest_here
	.section .note.GNU-stack, "", @progbits
