/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts: from the gate to C and back. The frame is drawn in frame.h.
 *
 * No entry needs GS, CR3 or any register to be right: the stack comes from the TSS, this_cpu is at
 * a constant address, and every root maps both. So each of them is safe on any instruction, an NMI
 * inside an NMI's own epilogue excepted (IRET ends the blocking; the frame below it is dead by
 * then).
 *
 * Every entry from a gate, unless it says otherwise:
 *   in    IF=TF=NT=RF=0 by the interrupt gate, DF and AC as they were; cs SEL_HV_CS64; every other
 *         register and CR3 those of whoever was interrupted: a guest's kernel or user root, an idle
 *         root, or one that the hypervisor had loaded in passing
 *         rsp -> error_code where the vector has one, rip cs rflags rsp ss: from ring 3 at the top
 *         of the CPU's primary stack, from ring 0 on the stack in use, for IST vectors on their own
 *   C is called with DF=AC=0, rdi = struct regs *, and leaves CR3 as this_cpu says (asi/root.c)
 *   out   every register, rflags and CR3 are again what the frame and this_cpu say
 */
#include "frame.h"

	.section .text.entry, "ax"

/*
 * 256 stubs of 16 bytes, one per vector; the table in desc.c points at them, but for the vectors
 * that have an entry of their own below.
 *   in    as above
 *   out   to entry_common: rsp -> error_code, vector; no register has changed
 */
	.balign 16
	.globl	entry_stubs
entry_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector != TRAP_DF && vector != TRAP_TS && vector != TRAP_NP && \
		vector != TRAP_SS && vector != TRAP_GP && vector != TRAP_PF && \
		vector != TRAP_AC && vector != TRAP_CP && vector != TRAP_VC && vector != TRAP_SX
	push	$0
	.endif
	movl	$vector, 4(%rsp)
	jmp	entry_common
	.set	vector, vector + 1
	.endr

/*
 * Every vector that has no entry of its own.
 *   in    from a stub: rsp -> error_code, vector; IF=0
 *   calls trap_dispatch(struct regs *), IF=0
 *   out   to the guest by return_to_guest_here, or by from_hypervisor
 */
entry_common:
	SAVE_REGS
	CLAC
	cld
	mov	%rsp, %rdi
	testb	$SEL_RPL, REGS_CS(%rsp)
	jz	from_hypervisor
	xor	%ebp, %ebp			/* the frame chain ends at the guest */
	call	trap_dispatch
	jmp	return_to_guest_here

/*
 * What interrupted the hypervisor; the other entries come here too.
 *   in    rdi = rsp -> a whole frame whose cs has RPL 0; IF=DF=AC=0
 *   out   back where it was interrupted, IF as it was there
 */
from_hypervisor:
	call	trap_dispatch
	RESTORE_REGS
	add	$8, %rsp
	iretq

/*
 * The first instructions behind a gate of its own.
 *   in    rsp -> error_code (\has_error), then what hardware pushed; IF=0
 *   out   rsp -> struct regs; AC=0, DF=0
 */
.macro GATE name, vector, has_error
	.balign	16
	.globl	\name
\name:
	.if	!\has_error
	push	$0
	.endif
	movl	$\vector, 4(%rsp)
	SAVE_REGS
	CLAC
	cld
.endm

/*
 * Exceptions of a guest that are often carried out at once: \handler(struct regs *) is entered with
 * interrupts off, and where it has left them so nothing can have become due.
 *   in    from a gate
 *   out   by return_quickly, IF=0, return_to_guest_here or from_hypervisor
 */
.macro EXCEPTION name, vector, handler, has_error
	GATE	\name, \vector, \has_error
	mov	%rsp, %rdi
	testb	$SEL_RPL, REGS_CS(%rsp)
	jz	from_hypervisor
	xor	%ebp, %ebp
	call	\handler
	pushf
	pop	%rax
	test	$EFLAGS_IF, %eax
	jz	return_quickly
	jmp	return_to_guest_here
.endm

	EXCEPTION entry_invalid_opcode, TRAP_UD, trap_invalid_opcode, 0
	EXCEPTION entry_general_protection, TRAP_GP, trap_general_protection, 1

/*
 * What is nearly always the guest's own to handle: bool \is_guests(struct regs *) sends it there
 * from a short frame, interrupts off, or has done nothing but look; then \handler sees a whole one.
 *   in    from a gate
 *   out   by return_bounced, IF=0, return_to_guest_here or from_hypervisor
 */
.macro EXCEPTION_OF_GUEST name, vector, is_guests, handler, has_error
	.balign	16
	.globl	\name
\name:
	.if	!\has_error
	push	$0
	.endif
	SAVE_SHORT
	CLAC
	cld
	mov	%rsp, %rdi
	testb	$SEL_RPL, REGS_CS(%rsp)
	jz	1f
	call	\is_guests
	test	%al, %al
	jnz	return_bounced
	COMPLETE_SHORT
	movl	$\vector, REGS_VECTOR(%rsp)
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	\handler
	jmp	return_to_guest_here
1:	COMPLETE_SHORT
	movl	$\vector, REGS_VECTOR(%rsp)
	jmp	from_hypervisor
.endm

	EXCEPTION_OF_GUEST entry_page_fault, TRAP_PF, pv_page_fault_is_guests, trap_page_fault, 1
	EXCEPTION_OF_GUEST entry_int80, VECTOR_INT80, pv_int80_is_guests, trap_dispatch, 0

/*
 * An IST event. From ring 3 the frame moves to the top of the primary stack, so that the one guest
 * IRET (whose faults are the guest's) serves here too and the IST stack is free again; then
 * \handler, then straight back: an NMI stays blocked until that IRET. From the hypervisor it is
 * handled where it is.
 *   in    rsp -> on the vector's IST stack, error_code (\has_error), then what hardware pushed;
 *         IF=0; CR3 any root, also one that was being loaded
 *   out   from ring 3 by \guest_exit, IF=0, else back where it was interrupted
 */
.macro IST_ENTRY name, vector, handler, has_error, guest_exit
	GATE	\name, \vector, \has_error
	testb	$SEL_RPL, REGS_CS(%rsp)
	jz	1f
	mov	%rsp, %rsi
	movabs	$(VA_CPU_STACK_TOP - REGS_BYTES), %rdi
	mov	%rdi, %rsp
	mov	$(REGS_BYTES / 8), %ecx
	rep movsq
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	\handler
	jmp	\guest_exit
1:	mov	%rsp, %rdi
	call	\handler
	RESTORE_REGS
	add	$8, %rsp
	iretq
.endm

	IST_ENTRY entry_nmi, TRAP_NMI, trap_nmi, 0, return_by_iret
	IST_ENTRY entry_machine_check, TRAP_MC, trap_machine_check, 0, return_by_iret
	IST_ENTRY entry_debug, TRAP_DB, trap_debug_ist, 0, return_to_guest_here

/*
 * #DF: the state it interrupted is lost; trap_double_fault() reports and does not return.
 *   in    rsp -> error_code, 0, on the IST stack of #DF; IF=0; everything else may be anything
 *   out   never
 */
	GATE	entry_double_fault, TRAP_DF, has_error=1
	mov	%rsp, %rdi
	call	trap_double_fault
	ud2
	.section .note.GNU-stack, "", @progbits
