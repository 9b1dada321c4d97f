/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: one function each, called from the table in entry/hypercall_table.c with the guest's six
 * arguments (rdi rsi rdx r10 r8 r9), on the kernel root, interrupts on. The result goes to the
 * guest's rax.
 *
 * A preempted call returns hypercall_continue(): the guest's registers then hold the arguments to
 * go on with and its rip is back at the SYSCALL instruction; within a multicall the entry is
 * rewritten instead.
 */
#pragma once

#include <asm/preempt.h>
#include <isola/types.h>

#define NR_HYPERCALL_SLOTS 64           /* of hypercall_table; every slot holds a function */

typedef long (*hypercall_fn)(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);

#define DECLARE_HC(name) long hc_##name(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)

DECLARE_HC(set_trap_table);
DECLARE_HC(mmu_update);
DECLARE_HC(set_gdt);
DECLARE_HC(stack_switch);
DECLARE_HC(set_callbacks);
DECLARE_HC(fpu_taskswitch);
DECLARE_HC(platform_op);
DECLARE_HC(set_debugreg);
DECLARE_HC(get_debugreg);
DECLARE_HC(update_descriptor);
DECLARE_HC(memory_op);
DECLARE_HC(multicall);
DECLARE_HC(update_va_mapping);
DECLARE_HC(update_va_mapping_otherdomain);
DECLARE_HC(set_timer_op);
DECLARE_HC(xen_version);
DECLARE_HC(console_io);
DECLARE_HC(vm_assist);
DECLARE_HC(iret);
DECLARE_HC(grant_table_op);
DECLARE_HC(vcpu_op);
DECLARE_HC(set_segment_base);
DECLARE_HC(mmuext_op);
DECLARE_HC(sched_op);
DECLARE_HC(callback_op);
DECLARE_HC(physdev_op);
DECLARE_HC(event_channel_op);
DECLARE_HC(mca);                        /* __HYPERVISOR_arch_0 */
DECLARE_HC(audit);                      /* __HYPERVISOR_arch_7, with CONFIG_AUDIT: calls/audit.c */

extern const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS];

/*
 * Arrange for hypercall @nr to be entered again with the given arguments; returns the value the
 * hypercall function must return. At most six arguments. May be called inside a multicall.
 */
long hypercall_continue(unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
