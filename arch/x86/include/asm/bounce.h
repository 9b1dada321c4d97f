/* SPDX-License-Identifier: MIT */
/*
 * Bounces: the hypervisor calls the guest. A frame is written to the guest kernel's stack and
 * guest_regs() changed to enter a handler. The frame, from the new rsp upward (ABI; all 8 bytes
 * wide):
 *
 *   rcx r11 [error code] rip  cs | saved upcall mask << 32  rflags  rsp  ss
 *   failsafe: rcx r11 ds es fs gs rip cs.. rflags rsp ss
 */
#pragma once

#include <isola/types.h>
#include <asm/regs.h>
#include <asm/vcpu_private.h>

/*
 * From user mode the kernel root is loaded and the stack is the one of stack_switch; from kernel
 * mode the current one. Where the stack cannot be written the domain is crashed and they do not
 * return.
 */
/* May the current guest code INT through @t? The guest kernel counts as ring 1. */
static inline bool may_int(const struct pv_trap *t)
{
	return t->address && t->dpl >= (this_vcpu.kernel_mode ? 1 : 3);
}

/*
 * Event upcall. Interrupts off, kernel root. The frame is a whole one; the short one of a hypercall
 * (entry/frame.h); or as HYPERVISOR_iret leaves it for IRET: short, but with rcx, r11, cs and ss.
 */
void bounce_event(void);
void bounce_event_after_hypercall(void);
void bounce_event_after_iret(void);
void bounce_nmi(void);
/* this_vcpu.bad_selectors were found at a switch. */
void bounce_failsafe(void);

/*
 * And the way back, HYPERVISOR_iret: fills the frame, and this_vcpu.iret says how it is to be left.
 * The guest's rax. Interrupts are off from there on.
 */
long pv_iret(void);
