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
/* pv_inject_exception(TRAP_GP, error_code), for the one that is frequent besides page faults. */
void pv_inject_gp(u32 error_code);
/* The gate of @vector itself, whoever asked: @error_code NULL for none. */
void pv_bounce_trap(unsigned vector, const u64 *error_code);
/* #PF: also sets cr2, here and in vcpu_info. @error_code's U bit is set from the guest's mode. */
void pv_inject_page_fault(u32 error_code, u64 cr2);

/*
 * Addresses of instructions that may fault on guest memory, and where to go then: section
 * .ex_table.
 */
struct ex_entry { s32 insn, fixup; };                   /* relative to the field itself */
bool ex_fixup(struct regs *r);
