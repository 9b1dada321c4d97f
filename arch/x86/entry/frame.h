/* SPDX-License-Identifier: MIT */
/*
 * The one frame (struct regs, asm/regs.h), and how it is completed and undone.
 *
 *      %rsp ->  r15 r14 r13 r12 rbx rbp r11 rcx r10 r9 r8 rax rdx rsi rdi    SAVE_REGS
 *               error_code (4 bytes), vector (4 bytes)                      hardware or stub
 *               rip cs rflags rsp ss                                        hardware or entry
 *
 * A guest's frame stands at GUEST_FRAME. A short one has words missing:
 *
 *   of a gate      the lowest six: C preserves rbx, rbp and r12 to r15, so they stay in their
 *                  registers (and a chain of frame pointers ends in the guest's rbp); and vector
 *   of a SYSCALL   these, and rcx, r11, cs and ss, which follow from how it came: rip, rflags and
 *                  the selectors that SYSRET brings; and rax, of a hypercall
 *
 * It is completed before anything runs that looks at them: exit_work(), which may switch, and the
 * handlers of exceptions but for the first look at a page fault. A bounce is told what it has.
 */
#include <asm/layout.h>
#include <generated/asm-offsets.h>

/* By the linker script: within reach of the text. */
#define GUEST_FRAME	cpu_stack_top - REGS_BYTES

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
 * Is anything due: softirqs, posted events.
 *   in    IF=0   out   \work, or behind it; rcx and rdx are lost
 */
.macro IF_WORK work
	mov	this_cpu + CPU_PUB(%rip), %rcx
	mov	this_cpu + CPU_CURRENT(%rip), %rdx
	mov	PUB_SOFTIRQ(%rcx), %ecx
	or	VCPU_EVENT_CHECK(%rdx), %ecx
	jne	\work
.endm

/*
 * And on the kernel root an event by the guest's own word: pending and not masked. (In user mode
 * nothing can be due that was not posted: the way to user mode looked.)
 *   in    IF=0, the kernel root loaded   out   \event, or behind it; rcx is lost
 */
.macro IF_EVENT event
	mov	this_vcpu + VCPU_INFO(%rip), %rcx
	cmpb	$0, VCPU_INFO_PENDING(%rcx)
	jne	667f
668:
	.subsection 1
667:	cmpb	$0, VCPU_INFO_MASK(%rcx)
	jne	668b
	jmp	\event
	.previous
.endm

/*
 * SYSRET to a non-canonical rip faults in ring 0 on the guest's stack (XSA-7): such a one goes by
 * IRET. Canonical: bits 47 to 63 are alike.   out   \bad, or behind it; rdx is lost
 */
.macro IF_NOT_CANONICAL bad
	movswl	REGS_RIP + 4(%rsp), %edx
	cmp	REGS_RIP + 4(%rsp), %edx
	jne	\bad
.endm

/*
 * What C does not preserve.
 *   in    rsp -> error_code, vector   out   rsp is 72 lower; no register has changed
 */
.macro SAVE_CALL_REGS
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%rcx
	push	%r11
.endm

/*
 * The rest of a frame that a gate began, but the registers that C preserves: a short frame.
 *   in    rsp -> error_code, vector   out   rsp -> struct regs; no register has changed
 */
.macro SAVE_SHORT
	SAVE_CALL_REGS
	sub	$(6 * 8), %rsp
.endm

/*
 * A short frame behind SYSCALL, whole at once: rcx, r11 and rax are free for others.
 *   in    rcx = rip, r11 = rflags, IF=0; rsp the guest's   out   rsp = GUEST_FRAME
 */
.macro SAVE_SHORT_SYSCALL
	mov	%rsp, GUEST_FRAME + REGS_RSP(%rip)
	lea	GUEST_FRAME(%rip), %rsp
	mov	%rcx, REGS_RIP(%rsp)
	mov	%r11, REGS_RFLAGS(%rsp)
	mov	%rdi, REGS_RDI(%rsp)
	mov	%rsi, REGS_RSI(%rsp)
	mov	%rdx, REGS_RDX(%rsp)
	mov	%r8, REGS_R8(%rsp)
	mov	%r9, REGS_R9(%rsp)
	mov	%r10, REGS_R10(%rsp)
.endm

/*
 * What every short frame leaves out.
 *   in    rsp -> struct regs; every register that C preserves is the guest's still
 */
.macro COMPLETE_SHORT
	mov	%rbx, REGS_RBX(%rsp)
	mov	%rbp, REGS_RBP(%rsp)
	mov	%r12, REGS_R12(%rsp)
	mov	%r13, REGS_R13(%rsp)
	mov	%r14, REGS_R14(%rsp)
	mov	%r15, REGS_R15(%rsp)
.endm

/* And what one of a SYSCALL does, but for rax. rcx and r11 are lost. */
.macro COMPLETE_SYSCALL
	mov	REGS_RIP(%rsp), %rcx
	mov	%rcx, REGS_RCX(%rsp)
	mov	REGS_RFLAGS(%rsp), %r11
	mov	%r11, REGS_R11(%rsp)
	movq	$SEL_USER_CS64, REGS_CS(%rsp)
	movq	$SEL_USER_DS, REGS_SS(%rsp)
	movl	$0, REGS_ERROR(%rsp)
	movl	$VECTOR_SYSCALL, REGS_VECTOR(%rsp)
.endm

/*
 * Undo a short frame, rax and all that SYSRET or IRET brings excepted: rcx and r11 too.
 *   in    rsp -> struct regs   out   rsp as it was
 */
.macro LOAD_CALL_REGS
	mov	REGS_R10(%rsp), %r10
	mov	REGS_R9(%rsp), %r9
	mov	REGS_R8(%rsp), %r8
	mov	REGS_RDX(%rsp), %rdx
	mov	REGS_RSI(%rsp), %rsi
	mov	REGS_RDI(%rsp), %rdi
.endm

/*
 * Undo a short frame but for rax, and leave.
 *   in    rsp -> struct regs, rip canonical; IF=0; rax and what C preserves the guest's
 */
.macro SYSRET_SHORT
	LOAD_CALL_REGS
	mov	REGS_RIP(%rsp), %rcx
	mov	REGS_RFLAGS(%rsp), %r11
	mov	REGS_RSP(%rsp), %rsp
	CLEAR_BUFFERS
	sysretq
.endm

/* A whole frame.   in   rsp -> error_code, vector   out   rsp -> struct regs */
.macro SAVE_REGS
	SAVE_CALL_REGS
	push	%rbp
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
	pop	%rbp
.endm

/*   in   rsp -> r10   out   rsp -> error_code, vector */
.macro RESTORE_CALL_REGS
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
