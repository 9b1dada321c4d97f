/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table: what stands above every call.
 *
 * syscall.S calls through hypercall_table with interrupts on; slots nobody fills answer -ENOSYS
 * (ABI: never a fault).
 */
#include <isola/errno.h>
#include <asm/hypercall.h>
#include <generated/autoconf.h>
#include <xen/xen.h>

static long hc_refused(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
	return -ENOSYS;
}

#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
const hypercall_fn hypercall_table[NR_HYPERCALL_SLOTS] = {
	[0 ... NR_HYPERCALL_SLOTS - 1] = hc_refused,
#define HC(name) [__HYPERVISOR_##name] = hc_##name
	HC(set_trap_table),
	HC(mmu_update),
	HC(set_gdt),
	HC(stack_switch),
	HC(set_callbacks),
	HC(fpu_taskswitch),
	HC(platform_op),
	HC(set_debugreg),
	HC(get_debugreg),
	HC(update_descriptor),
	HC(memory_op),
	HC(multicall),
	HC(update_va_mapping),
	HC(update_va_mapping_otherdomain),
	HC(set_timer_op),
	HC(xen_version),
	HC(console_io),
	HC(grant_table_op),
	HC(vm_assist),
	HC(iret),
	HC(vcpu_op),
	HC(set_segment_base),
	HC(mmuext_op),
	HC(sched_op),
	HC(callback_op),
	HC(event_channel_op),
	HC(physdev_op),
#undef HC
	[__HYPERVISOR_arch_0] = hc_mca,
#ifdef CONFIG_AUDIT
	[__HYPERVISOR_arch_7] = hc_audit,
#endif
};
#pragma GCC diagnostic pop
