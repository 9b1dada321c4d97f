/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts: from the gate to C and back. The frame is drawn in frame.h.
 *
 * No entry needs GS, CR3 or any register to be right: the stack comes from the TSS, this_cpu is at
 * a constant address, and every root maps both. So each of them is safe on any instruction, an NMI
 * inside an NMI's own epilogue excepted (IRET ends the blocking; the frame below it is dead by
 * then).
 */
#include "frame.h"

	.section .text.entry, "ax"

/*
 * 256 stubs of 16 bytes, one per vector; the table in desc.c points at them.
 *   in    IF=0; hardware frame on the CPU's primary stack (from ring 3: its top)
 *   out   to one of the four entries below, with error_code and vector in place
 */
	.balign 16
	.globl	entry_stubs
entry_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && \
		vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push	$0
	.endif
	movl	$vector, 4(%rsp)
	.if	vector == 6
	jmp	entry_invalid_opcode
	.elseif	vector == 13
	jmp	entry_general_protection
	.elseif	vector == 14
	jmp	entry_page_fault
	.elseif	vector == VECTOR_INT80
	jmp	entry_int80
	.else
	jmp	entry_common
	.endif
	.set	vector, vector + 1
	.endr

/*
 * Every vector not on an IST stack meets here, the three below when it is the hypervisor's own.
 *   calls trap_dispatch(struct regs *), DF=0, AC=0, IF=0
 *   out   to the guest by return_to_guest_here, or back into the hypervisor where it was
 *         interrupted
 */
entry_common:
	SAVE_REGS
	CLAC
	cld
	mov	%rsp, %rdi
	testb	$3, REGS_CS(%rsp)
	jz	from_hypervisor
	xor	%ebp, %ebp			/* the frame chain ends at the guest */
	call	trap_dispatch
	jmp	return_to_guest_here
from_hypervisor:
	call	trap_dispatch
	RESTORE_REGS
	add	$8, %rsp
	iretq

/*
 * Exceptions of a guest that are often carried out at once: \handler(struct regs *) is entered with
 * interrupts off, and where it has left them so nothing can have become due.
 */
.macro EXCEPTION name, handler
	.balign	16
\name:
	SAVE_REGS
	CLAC
	cld
	mov	%rsp, %rdi
	testb	$3, REGS_CS(%rsp)
	jz	from_hypervisor
	xor	%ebp, %ebp
	call	\handler
	pushf
	pop	%rax
	test	$0x200, %eax
	jz	return_quickly
	jmp	return_to_guest_here
.endm

	EXCEPTION entry_invalid_opcode, trap_invalid_opcode
	EXCEPTION entry_general_protection, trap_general_protection

/*
 * What is nearly always the guest's own to handle: bool \is_guests(struct regs *) sends it there
 * from a short frame, interrupts off, or has done nothing but look; then \handler sees a whole one.
 */
.macro EXCEPTION_OF_GUEST name, is_guests, handler
	.balign	16
\name:
	SAVE_SHORT
	CLAC
	cld
	mov	%rsp, %rdi
	testb	$3, REGS_CS(%rsp)
	jz	1f
	xor	%ebp, %ebp
	call	\is_guests
	test	%al, %al
	jnz	return_bounced
	COMPLETE_SHORT
	mov	%rsp, %rdi
	call	\handler
	jmp	return_to_guest_here
1:	COMPLETE_SHORT
	jmp	from_hypervisor
.endm

	EXCEPTION_OF_GUEST entry_page_fault, pv_page_fault_is_guests, trap_page_fault
	EXCEPTION_OF_GUEST entry_int80, pv_int80_is_guests, trap_dispatch

/*
 * An IST event. From ring 3 the frame moves to the top of the primary stack, so that the one guest
 * IRET (whose faults are the guest's) serves here too and the IST stack is free again; then
 * \handler, then straight back: an NMI stays blocked until that IRET. From the hypervisor it is
 * handled where it is.
 */
.macro IST_ENTRY name, vector, handler, has_error, guest_exit
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
	testb	$3, REGS_CS(%rsp)
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

	IST_ENTRY entry_nmi, 2, trap_nmi, 0, return_by_iret
	IST_ENTRY entry_machine_check, 18, trap_machine_check, 0, return_by_iret
	IST_ENTRY entry_debug, 1, trap_debug_ist, 0, return_to_guest_here

/* #DF: the state it interrupted is lost; trap_double_fault() reports and does not return. */
	.balign	16
	.globl	entry_double_fault
entry_double_fault:
	movl	$8, 4(%rsp)
	SAVE_REGS
	CLAC
	cld
	mov	%rsp, %rdi
	call	trap_double_fault
	ud2
	.section .note.GNU-stack, "", @progbits
