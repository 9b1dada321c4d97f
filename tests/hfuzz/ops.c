/* SPDX-License-Identifier: MIT */
/*
 * The table of operations, and one step: choose, guard, do, count.
 */
#include "ops.h"
#include <xen/grant_table.h>
#include <xen/vcpu.h>

#define EXT(name, weight) { "mmuext " #name, op_mmuext, MMUEXT_##name, weight, false }
#define EVENT(name, weight) { "event " #name, op_event, EVTCHNOP_##name, weight, false }
#define VCPU(name, weight) { "vcpu " #name, op_vcpu, VCPUOP_##name, weight, false }
#define PHYSDEV(name, weight) { "physdev " #name, op_physdev, PHYSDEVOP_##name, weight, false }
#define PLATFORM(name, weight) { "platform " #name, op_platform, XENPF_##name, weight, false }
#define SCHED(name, weight) { "sched " #name, op_sched, SCHEDOP_##name, weight, false }

const struct op ops[] = {
	{ "mmu_update", op_mmu_update, false, 60, false },
	{ "mmu_update flipped", op_mmu_update, true, 12, false },
	{ "update_va_mapping", op_update_va, false, 50, false },
	{ "update_va_mapping_otherdomain", op_update_va, true, 6, false },
	{ "make l1", op_make_table, 1, 12, false },
	{ "make l2", op_make_table, 2, 12, false },
	{ "make l3", op_make_table, 3, 12, false },
	{ "make l4", op_make_table, 4, 10, false },
	EXT(PIN_L1_TABLE, 6),
	EXT(PIN_L2_TABLE, 6),
	EXT(PIN_L3_TABLE, 6),
	EXT(PIN_L4_TABLE, 6),
	EXT(UNPIN_TABLE, 16),
	EXT(NEW_BASEPTR, 12),
	EXT(NEW_USER_BASEPTR, 8),
	EXT(TLB_FLUSH_LOCAL, 2),
	EXT(INVLPG_LOCAL, 2),
	EXT(TLB_FLUSH_MULTI, 3),
	EXT(INVLPG_MULTI, 3),
	EXT(TLB_FLUSH_ALL, 2),
	EXT(INVLPG_ALL, 2),
	EXT(FLUSH_CACHE, 1),
	EXT(SET_LDT, 6),
	EXT(CLEAR_PAGE, 6),
	EXT(COPY_PAGE, 6),
	EXT(FLUSH_CACHE_GLOBAL, 1),
	EXT(MARK_SUPER, 1),
	{ "mmuext list", op_mmuext_list, false, 10, false },
	{ "mmuext list flipped", op_mmuext_list, true, 8, false },
	{ "update_descriptor", op_descriptor, 0, 10, false },
	{ "set_gdt", op_set_gdt, false, 8, false },
	{ "set_gdt flipped", op_set_gdt, true, 6, false },

	{ "memory increase", op_reservation, XENMEM_increase_reservation, 4, false },
	{ "memory decrease", op_reservation, XENMEM_decrease_reservation, 4, false },
	{ "memory populate", op_reservation, XENMEM_populate_physmap, 6, false },
	{ "memory exchange", op_exchange, false, 6, false },
	{ "memory exchange flipped", op_exchange, true, 3, false },
	{ "memory ask", op_memory_ask, 0, 6, false },

	{ "grant entry", op_grant_entry, 0, 20, false },
	{ "grant map", op_grant_map, false, 20, false },
	{ "grant map flipped", op_grant_map, true, 6, false },
	{ "grant unmap", op_grant_unmap, false, 16, false },
	{ "grant unmap_and_replace", op_grant_unmap, true, 8, false },
	{ "grant copy", op_grant_copy, false, 8, false },
	{ "grant copy flipped", op_grant_copy, true, 6, false },
	{ "grant ask", op_grant_ask, 0, 5, false },

	EVENT(bind_interdomain, 4),
	EVENT(bind_virq, 4),
	EVENT(bind_pirq, 4),
	EVENT(close, 10),
	EVENT(send, 12),
	EVENT(status, 4),
	EVENT(alloc_unbound, 4),
	EVENT(bind_ipi, 6),
	EVENT(bind_vcpu, 4),
	EVENT(unmask, 8),
	EVENT(init_control, 2),
	EVENT(expand_array, 2),
	EVENT(set_priority, 6),
	{ "fifo begin", op_fifo_begin, 0, 1, false },
	{ "fifo take", op_fifo_take, 0, 12, false },
	{ "fifo write", op_fifo_write, 0, 12, false },
	{ "event reset", op_event_reset, 0, 1, false },
	{ "event reset own", op_event_reset_own, 0, 1, false },
	{ "shared_info", op_shared_info, 0, 6, false },
	{ "set_timer", op_timer, 0, 8, false },
	SCHED(yield, 3),
	SCHED(block, 4),
	SCHED(poll, 6),
	SCHED(shutdown, 1),
	SCHED(shutdown_code, 1),
	SCHED(remote_shutdown, 1),
	{ "sched unknown", op_sched, 100, 1, false },
	{ "watchdog", op_watchdog, 0, 2, false },

	VCPU(initialise, 3),
	VCPU(up, 6),
	VCPU(down, 2),
	VCPU(is_up, 2),
	VCPU(get_runstate_info, 3),
	VCPU(register_runstate_memory_area, 4),
	VCPU(set_periodic_timer, 2),
	VCPU(stop_periodic_timer, 3),
	VCPU(set_singleshot_timer, 4),
	VCPU(stop_singleshot_timer, 2),
	VCPU(register_vcpu_info, 3),
	VCPU(get_physid, 2),
	VCPU(register_vcpu_time_memory_area, 1),
	VCPU(send_nmi, 5),
	{ "set_trap_table", op_trap_table, 0, 5, false },
	{ "callback register", op_callback, CALLBACKOP_register, 5, true },
	{ "callback unregister", op_callback, CALLBACKOP_unregister, 2, true },
	{ "set_callbacks", op_set_callbacks, 0, 3, true },
	{ "stack_switch", op_stack_switch, 0, 3, true },
	{ "set_segment_base", op_segment_base, 0, 5, false },
	{ "set_debugreg", op_debugreg, false, 5, false },
	{ "get_debugreg", op_debugreg, true, 2, false },
	{ "vm_assist", op_assist, 0, 3, false },
	{ "fpu_taskswitch", op_taskswitch, 0, 3, false },

	PHYSDEV(set_iopl, 2),
	PHYSDEV(set_iobitmap, 3),
	PHYSDEV(map_pirq, 4),
	PHYSDEV(unmap_pirq, 3),
	PHYSDEV(setup_gsi, 2),
	PHYSDEV(eoi, 2),
	PHYSDEV(irq_status_query, 2),
	PHYSDEV(alloc_irq_vector, 1),
	PHYSDEV(apic_read, 2),
	PHYSDEV(pirq_eoi_gmfn_v2, 1),
	PHYSDEV(pci_device_add, 1),
	PHYSDEV(pci_device_remove, 1),
	PHYSDEV(manage_pci_add, 1),
	PHYSDEV(manage_pci_add_ext, 1),
	PHYSDEV(manage_pci_remove, 1),
	PHYSDEV(restore_msi, 1),
	PHYSDEV(restore_msi_ext, 1),
	PHYSDEV(prepare_msix, 1),
	PHYSDEV(release_msix, 1),
	PHYSDEV(pci_mmcfg_reserved, 1),
	PHYSDEV(get_free_pirq, 1),
	{ "physdev unknown", op_physdev, 31, 1, false },
	PLATFORM(settime64, 1),
	PLATFORM(firmware_info, 2),
	PLATFORM(efi_runtime_call, 2),
	PLATFORM(get_cpuinfo, 2),
	PLATFORM(enter_acpi_sleep, 1),
	{ "platform any", op_platform, 0, 2, false },
	{ "xen_version", op_version, 0, 4, false },
	{ "console_io", op_console, 0, 2, false },
	{ "mca", op_mca, 0, 3, false },
	{ "any number", op_any, 0, 16, false },
	{ "multicall", op_multicall, false, 8, false },
	{ "multicall flipped", op_multicall, true, 8, false },

	{ "insn system", op_insn, 0, 30, false },
	{ "insn flow", op_insn, 1, 16, false },
	{ "insn selectors", op_insn, 2, 14, false },
	{ "insn fpu", op_insn, 3, 10, false },
	{ "insn port", op_port, 0, 8, false },
	{ "store", op_store, 0, 50, false },
	{ "read", op_access, 0, 16, false },
	{ "write", op_access, 1, 24, false },
	{ "fetch", op_access, 2, 4, false },
	{ "iret", op_iret, 0, 8, false },
	{ "user snippet", op_user, 0, 10, false },
	{ "user bytes", op_user, 1, 6, false },
	{ "user on sandbox tables", op_user, 2, 8, false },
};
const unsigned int nr_ops = sizeof(ops) / sizeof(ops[0]);

/* ---- A hypercall ---- */

/*
 * ABI: a call may move on its own arguments, when it is interrupted, and nothing else; by number of
 * arguments (<xen/arch-x86/xen-x86_64.h>).
 */
static const uint8_t nr_args[64] = {
	[__HYPERVISOR_set_trap_table] = 1, [__HYPERVISOR_mmu_update] = 4,
	[__HYPERVISOR_set_gdt] = 2, [__HYPERVISOR_stack_switch] = 2,
	[__HYPERVISOR_set_callbacks] = 3, [__HYPERVISOR_fpu_taskswitch] = 1,
	[__HYPERVISOR_platform_op] = 1, [__HYPERVISOR_set_debugreg] = 2,
	[__HYPERVISOR_get_debugreg] = 1, [__HYPERVISOR_update_descriptor] = 2,
	[__HYPERVISOR_memory_op] = 2, [__HYPERVISOR_multicall] = 2,
	[__HYPERVISOR_update_va_mapping] = 3, [__HYPERVISOR_set_timer_op] = 1,
	[__HYPERVISOR_xen_version] = 2, [__HYPERVISOR_console_io] = 3,
	[__HYPERVISOR_grant_table_op] = 3, [__HYPERVISOR_update_va_mapping_otherdomain] = 4,
	[__HYPERVISOR_vm_assist] = 2, [__HYPERVISOR_vcpu_op] = 3,
	[__HYPERVISOR_set_segment_base] = 2, [__HYPERVISOR_mmuext_op] = 4,
	[__HYPERVISOR_sched_op] = 2, [__HYPERVISOR_callback_op] = 2,
	[__HYPERVISOR_event_channel_op] = 2, [__HYPERVISOR_physdev_op] = 2,
	[__HYPERVISOR_hvm_op] = 2, [__HYPERVISOR_arch_0] = 1,
};

static bool registers_kept(const struct call *c)
{
	for (unsigned int i = c->nr < 64 ? nr_args[c->nr] : 0; i < 6; i++)
		if (c->after[i] != c->a[i])
			return false;
	for (unsigned int i = 0; i < 6; i++)
		if (c->kept[i] != c->mark + i)
			return false;
	return true;
}

long hcall(struct me *m, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	   uint64_t a5)
{
	struct record *r = here(m);

	m->call = (struct call){ .nr = nr, .a = { a1, a2, a3, a4, a5, ~a1 },
				 .mark = m->number << 32 | 0xc0de0000 };
	r->call[0] = nr;
	memcpy(&r->call[1], m->call.a, sizeof(m->call.a));
	hcall_raw(&m->call);
	if (!registers_kept(&m->call))
		m->wrong = "a hypercall changed a register that is not its argument";
	return (long)m->call.rax;
}

/* ---- One step ---- */

static unsigned int choose(struct me *m)
{
	static unsigned int total;
	unsigned int at, i = 0;

	if (!total)
		for (unsigned int k = 0, sum = 0; k < nr_ops; k++, total = k == nr_ops ? sum : 0)
			sum += ops[k].weight;
	at = (unsigned int)below(m, total);
	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	return i;
}

/* The sequence of a vCPU's operations depends on seed, vCPU and number alone. */
static void reseed(struct me *m)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ul ^ (uint64_t)(m->id + 1) << 56 ^ m->number;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ x >> 27) * 0x94d049bb133111ebul;
	m->rng = (x ^ x >> 31) ?: 1;
}

/* What was broken is put right, whatever comes in between. An event that is due waits. */
static void repair(struct me *m)
{
	volatile bool done = false;

	m->info->evtchn_upcall_mask = 1;
	while (!done)
		if (!context_save(&m->back)) {
			m->guarded = true;
			vcpu_repair(m);
			m->guarded = false;
			done = true;
		}
	m->repairing = false;
	m->info->evtchn_upcall_mask = 0;
	HC2(xen_version, 0, 0);
}

void ops_run(struct me *m)
{
	volatile unsigned int op;
	unsigned int result;

	reseed(m);
	op = choose(m);
	record_begin(m, op);
	result = (unsigned int)context_save(&m->back);
	if (!result) {
		m->repairing = ops[op].repairs;
		m->guarded = true;
		result = 1 + result_of(ops[op].run(m, ops[op].param));
	}
	if (ops[op].repairs)
		repair(m);
	m->guarded = false;
	flip_end(m);
	record_end(m, op, result - 1);
	m->number++;
}
