/* SPDX-License-Identifier: MIT */
/*
 * What the neighbour runs, copied to NEIGHBOUR_CODE; position independent. As the second vCPU in
 * timed.S: each event is answered by one.
 */
#include <xen/xen.h>
#include "neighbour.h"

	.section .rodata, "a"
	.balign	64
	.globl	neighbour_begin, neighbour_end, neighbour_events, neighbour_answer
neighbour_begin:
1:	mov	$__HYPERVISOR_sched_op, %eax
	mov	$1, %edi			/* SCHEDOP_block: opens the mask */
	xor	%esi, %esi
	syscall
	movb	$1, NEIGHBOUR_SHARED + 1	/* and it is closed again */
	mov	$__HYPERVISOR_event_channel_op, %eax
	mov	$4, %edi			/* EVTCHNOP_send */
	lea	neighbour_answer(%rip), %rsi
	syscall
	jmp	1b

	.balign	64
neighbour_events:
	mov	$NEIGHBOUR_SHARED, %ecx
	movb	$0, (%rcx)			/* evtchn_upcall_pending */
	movq	$0, 8(%rcx)			/* evtchn_pending_sel */
	movq	$0, 64 * 32(%rcx)		/* evtchn_pending[0] */
	pop	%rcx
	pop	%r11
	push	$0
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall

	.balign	8
neighbour_answer:	.quad	0
neighbour_end:

	.section .note.GNU-stack, "", @progbits
