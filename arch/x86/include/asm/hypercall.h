/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: one function each, called from the table in entry/hypercall_table.c with the guest's
 * six arguments (rdi rsi rdx r10 r8 r9), on the kernel root, interrupts on; it takes as many of
 * them as it has. The result goes to the guest's rax.
 *
 * A preempted call returns hypercall_continue(): the guest's registers then hold the arguments to
 * go on with and its rip is back at the SYSCALL instruction; within a multicall the entry is
 * rewritten instead. ABI (arch-x86/xen-x86_64.h): registers beyond the call's own arguments keep
 * what the guest had in them, and so do an entry's args[].
 */
#pragma once

#include <asm/preempt.h>
#include <isola/types.h>
#include <generated/autoconf.h>

/* Of hypercall_table; every slot holds a function. A power of two: numbers are masked (SPC-4). */
#define NR_HYPERCALL_SLOTS 64
static_assert(!(NR_HYPERCALL_SLOTS & (NR_HYPERCALL_SLOTS - 1)), "hypercall numbers are masked");

typedef long (*hypercall_fn)(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);

/*
 * Every hypercall and how many arguments it has. __HYPERVISOR_mca is arch_0; __HYPERVISOR_audit, of
 * builds with CONFIG_AUDIT (calls/audit.c), is arch_7.
 */
#define HYPERCALLS(HC) \
	HC(set_trap_table, 1) \
	HC(mmu_update, 4) \
	HC(set_gdt, 2) \
	HC(stack_switch, 2) \
	HC(set_callbacks, 3) \
	HC(fpu_taskswitch, 1) \
	HC(platform_op, 1) \
	HC(set_debugreg, 2) \
	HC(get_debugreg, 1) \
	HC(update_descriptor, 2) \
	HC(memory_op, 2) \
	HC(multicall, 2) \
	HC(update_va_mapping, 3) \
	HC(set_timer_op, 1) \
	HC(xen_version, 2) \
	HC(console_io, 3) \
	HC(grant_table_op, 3) \
	HC(vm_assist, 2) \
	HC(update_va_mapping_otherdomain, 4) \
	HC(iret, 0) \
	HC(vcpu_op, 3) \
	HC(set_segment_base, 2) \
	HC(mmuext_op, 4) \
	HC(sched_op, 2) \
	HC(callback_op, 2) \
	HC(event_channel_op, 2) \
	HC(hvm_op, 2) \
	HC(physdev_op, 2) \
	HC(sysctl, 1) \
	HC(domctl, 1) \
	HC(hypfs_op, 5) \
	HC(dm_op, 3) \
	HC(mca, 1) \
	HC_AUDIT(HC)

#ifdef CONFIG_AUDIT
#define HC_AUDIT(HC) HC(audit, 2)
#else
#define HC_AUDIT(HC)
#endif
#define __HYPERVISOR_mca __HYPERVISOR_arch_0
#define __HYPERVISOR_audit __HYPERVISOR_arch_7

#define HC_ARGS_0 void
#define HC_ARGS_1 u64 a1
#define HC_ARGS_2 HC_ARGS_1, u64 a2
#define HC_ARGS_3 HC_ARGS_2, u64 a3
#define HC_ARGS_4 HC_ARGS_3, u64 a4
#define HC_ARGS_5 HC_ARGS_4, u64 a5
#define DECLARE_HC(name, nr_args) long hc_##name(HC_ARGS_##nr_args);
HYPERCALLS(DECLARE_HC)
#undef DECLARE_HC

extern const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS];

/* Arguments that hypercall @nr has; 0 for slots that nobody fills. */
extern const u8 hypercall_nr_args[NR_HYPERCALL_SLOTS];

#define NR_ARGS(name, nr_args) NR_ARGS_##name = nr_args,
enum { HYPERCALLS(NR_ARGS) };
#undef NR_ARGS

/*
 * Arrange for hypercall @name to be entered again with the arguments that follow, all that it has;
 * returns the value the hypercall function must return. May be called inside a multicall.
 */
#define hypercall_continue(name, ...)                                           \
	({                                                                      \
		const u64 continue_args[] = { __VA_ARGS__ };                    \
		_Static_assert(sizeof(continue_args) == 8 * NR_ARGS_##name,     \
			       "the arguments of a continuation");              \
		hypercall_continue_with(__HYPERVISOR_##name, continue_args,     \
					NR_ARGS_##name);                        \
	})

/* The same for a number that is not constant: @nr_args as in hypercall_nr_args. */
long hypercall_continue_with(unsigned nr, const u64 *args, unsigned nr_args);
