/* SPDX-License-Identifier: MIT */
/*
 * Traps: what C code does after an exception, and how a guest gets one of its own.
 */
#pragma once

#include <asm/regs.h>

/*
 * Give the current vcpu's guest exception @vector now: builds the bounce frame on its kernel stack
 * and changes guest_regs() to enter its handler. Switches to the kernel root when it was in user
 * mode. No handler, or no stack: domain_crash(), and it does not return. Consumes the exception
 * (ENT-7). @error_code is used for vectors that have one. Interrupts on or off; off afterwards: the
 * guest is next.
 */
void pv_inject_exception(unsigned vector, u32 error_code);
/* The gate of @vector itself, whoever asked: @error_code NULL for none. */
void pv_bounce_trap(unsigned vector, const u64 *error_code);
/* #PF: also sets cr2, here and in vcpu_info. @error_code's U bit is set from the guest's mode. */
void pv_inject_page_fault(u32 error_code, u64 cr2);

/*
 * True: the guest's instruction was emulated or the fault repaired; go back to it. Each is tried by
 * traps.c for its fault.
 */
/* #GP(0). From interrupts off; they are on again behind what took long, or refused it after that. */
bool emul_priv_op(struct regs *r);
bool emul_invalid_op(struct regs *r);                   /* #UD: forced CPUID. Interrupts off. */
/* #PF in kernel mode, write to a present read-only page (ptwr). Interrupts on. */
bool emul_pt_write(struct regs *r, u64 va);
/* #GP with the IDT bit: INT n. True when bounced as the guest's own gate. */
bool emul_software_int(struct regs *r);

/*
 * Addresses of instructions that may fault on guest memory, and where to go then: section
 * .ex_table.
 */
struct ex_entry { s32 insn, fixup; };                   /* relative to the field itself */
bool ex_fixup(struct regs *r);
