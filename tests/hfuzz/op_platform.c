/* SPDX-License-Identifier: MIT */
/*
 * Operations on the platform, and calls of any number. Left out everywhere: what powers the machine
 * off, and console output, which the table is printed with.
 */
#include "ops.h"
#include <xen/arch-x86/xen-mca.h>

long op_physdev(struct me *m, unsigned int cmd)
{
	uint64_t a[6], b[6], at;
	long rc;

	for (unsigned int i = 0; i < 6; i++) {
		a[i] = one_in(m, 2) ? below(m, 24) : border(m);
		b[i] = one_in(m, 2) ? below(m, 24) : border(m);
	}
	switch (cmd) {
	case PHYSDEVOP_set_iobitmap:
		a[0] = one_in(m, 3) ? bad_address(m) : sand_address(m);
		a[1] = one_in(m, 4) ? border(m) : below(m, 65537);
		b[0] = sand_address(m);
		break;
	case PHYSDEVOP_map_pirq:	/* domid, type; index, pirq; bus, devfn; entry; table */
		a[0] = any_domid(m) | below(m, 5) << 32;
		a[1] = (one_in(m, 2) ? 0xffffffff : below(m, 26)) |
		       (one_in(m, 2) ? ~0ul << 32 : below(m, 26) << 32);
		a[2] = below(m, 64) << 35;
		a[3] = below(m, 4);
		a[4] = one_in(m, 2);
		break;
	case PHYSDEVOP_pci_device_add:	/* segment, bus, device */
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_restore_msi_ext:
	case PHYSDEVOP_prepare_msix:
	case PHYSDEVOP_release_msix:
		a[0] = one_in(m, 8) | below(m, 64) << 27;
		break;
	case PHYSDEVOP_manage_pci_add:	/* bus, device */
	case PHYSDEVOP_manage_pci_add_ext:
	case PHYSDEVOP_manage_pci_remove:
	case PHYSDEVOP_restore_msi:
		a[0] = below(m, 64) << 11;
		break;
	case PHYSDEVOP_unmap_pirq:	/* domid, pirq */
		a[0] = any_domid(m) | below(m, 26) << 32;
		break;
	case PHYSDEVOP_setup_gsi:	/* gsi, triggering, polarity */
		a[0] = below(m, 26) | below(m, 3) << 32;
		a[1] = below(m, 3);
		break;
	case PHYSDEVOP_pirq_eoi_gmfn_v2:
	case PHYSDEVOP_pirq_eoi_gmfn_v1:
		a[0] = any_mfn(m, 0);
		b[0] = any_mfn(m, 0);
		break;
	case PHYSDEVOP_apic_read:
		a[0] = one_in(m, 2) ? 0xfec00000 : border(m);
		a[1] = border(m);
		break;
	case PHYSDEVOP_apic_write:
		return -XEN_EAGAIN;
	}
	at = one_in(m, 4) ? arg_flipped(m, a, b, sizeof(a)) : arg(m, a, sizeof(a));
	rc = CALL(m, physdev_op, cmd == 31 ? 31 + (border(m) & 0xffffff) : cmd, at, 0, 0, 0);
	return rc;
}

long op_platform(struct me *m, unsigned int cmd)
{
	struct xen_platform_op op;

	for (unsigned int i = 0; i < sizeof(op) / 8; i++)
		((uint64_t *)&op)[i] = one_in(m, 2) ? below(m, 8) : border(m);
	op.cmd = cmd ?: (uint32_t)below(m, 64);
	if (op.cmd == XENPF_enter_acpi_sleep)
		op.u.enter_acpi_sleep.sleep_state = (uint16_t)below(m, 5);
	if (op.cmd == XENPF_settime64 && one_in(m, 2)) {
		op.u.settime64.mbz = 0;
		op.u.settime64.nsecs = (uint32_t)below(m, 1000000000);
	}
	op.interface_version = one_in(m, 16) ? (uint32_t)border(m) : XENPF_INTERFACE_VERSION;
	return CALL(m, platform_op, arg(m, &op, sizeof(op)), 0, 0, 0, 0);
}

long op_version(struct me *m, unsigned int nothing)
{
	uint64_t a[130] = { one_in(m, 2) ? below(m, 4) : border(m) };
	long rc;

	rc = CALL(m, xen_version, below(m, 13), one_in(m, 8) ? 0 : arg(m, a, sizeof(a)), 0, 0, 0);
	return rc > 0 ? 0 : rc;
}

long op_console(struct me *m, unsigned int nothing)
{
	uint64_t a[16];
	long rc;

	if (one_in(m, 3))
		return CALL(m, console_io, CONSOLEIO_write, 1 + below(m, 100),
			    bad_address(m) | 1ul << 47, 0, 0);
	memset(a, 0, sizeof(a));
	rc = CALL(m, console_io, 1 + below(m, 3), one_in(m, 2) ? sizeof(a) : border(m),
		  arg(m, a, sizeof(a)), 0, 0);
	return rc > 0 ? 0 : rc;
}

long op_mca(struct me *m, unsigned int nothing)
{
	uint64_t a[40];

	for (unsigned int i = 0; i < 40; i++)
		a[i] = one_in(m, 2) ? below(m, 8) : border(m);
	a[0] = below(m, 8) |
	       (uint64_t)(one_in(m, 16) ? (uint32_t)border(m) : XEN_MCA_INTERFACE_VERSION) << 32;
	return CALL(m, arch_0, arg(m, a, sizeof(a)), 0, 0, 0, 0);
}

/*
 * Numbers whose arguments may not be just anything: what they name is looked at by operations of
 * their own. -ENOSYS and unknown numbers are what is left, and simple calls with nonsense.
 */
static bool takes_anything(uint64_t nr)
{
	static const uint64_t special =
		1ul << __HYPERVISOR_set_trap_table | 1ul << __HYPERVISOR_mmu_update |
		1ul << __HYPERVISOR_stack_switch | 1ul << __HYPERVISOR_set_callbacks |
		1ul << __HYPERVISOR_sched_op_compat | 1ul << __HYPERVISOR_platform_op |
		1ul << __HYPERVISOR_update_descriptor | 1ul << __HYPERVISOR_memory_op |
		1ul << __HYPERVISOR_multicall | 1ul << __HYPERVISOR_update_va_mapping |
		1ul << __HYPERVISOR_console_io | 1ul << __HYPERVISOR_grant_table_op |
		1ul << __HYPERVISOR_update_va_mapping_otherdomain | 1ul << __HYPERVISOR_iret |
		1ul << __HYPERVISOR_vcpu_op | 1ul << __HYPERVISOR_mmuext_op |
		1ul << __HYPERVISOR_sched_op | 1ul << __HYPERVISOR_callback_op |
		1ul << __HYPERVISOR_event_channel_op | 1ul << __HYPERVISOR_physdev_op |
		1ul << __HYPERVISOR_set_gdt | 1ul << __HYPERVISOR_set_debugreg |
		1ul << __HYPERVISOR_arch_7 | 1ul << __HYPERVISOR_set_timer_op |
		1ul << __HYPERVISOR_set_segment_base;

	return nr >= 64 || !(special >> nr & 1);
}

long op_any(struct me *m, unsigned int nothing)
{
	uint64_t a[64], at[2], nr;
	long rc;

	do {
		nr = one_in(m, 6) ? border(m) : below(m, 70);
	} while (!takes_anything(nr & 0xffffffff) || !takes_anything(nr));
	for (unsigned int i = 0; i < 64; i++)
		a[i] = border(m);
	at[0] = one_in(m, 3) ? arg(m, a, sizeof(a)) : border(m);
	at[1] = one_in(m, 3) ? arg(m, a, sizeof(a)) : border(m);
	rc = hcall(m, (unsigned int)nr, at[0], at[1], border(m), border(m), border(m));
	return rc > 0 ? 0 : rc;
}

/* ---- Multicalls ---- */

/* Entries that are harmless whatever their words are mixed with: numbers by themselves. */
static struct multicall_entry multi(struct me *m)
{
	static const uint8_t nrs[] = {
		__HYPERVISOR_update_va_mapping, __HYPERVISOR_update_va_mapping,
		__HYPERVISOR_update_va_mapping, __HYPERVISOR_fpu_taskswitch,
		__HYPERVISOR_xen_version, __HYPERVISOR_multicall, __HYPERVISOR_vm_assist,
		__HYPERVISOR_get_debugreg, 63, __HYPERVISOR_update_va_mapping_otherdomain,
	};
	struct multicall_entry e = { .op = PICK(m, nrs) };

	e.args[0] = sand_page(m);
	e.args[1] = entry(m, 1);
	e.args[2] = UVMF_INVLPG | UVMF_ALL;
	e.args[3] = any_domid(m);
	if (e.op == __HYPERVISOR_xen_version) {
		e.args[0] = below(m, 12);
		e.args[1] = bad_address(m);
	}
	if (one_in(m, 20))
		e.op = border(m) | 64;
	return e;
}

long op_multicall(struct me *m, unsigned int flipped)
{
	struct multicall_entry a[24], b[2];
	unsigned int nr = 1 + (unsigned int)below(m, flipped ? 2 : 24);
	uint64_t list;

	for (unsigned int i = 0; i < nr; i++)
		a[i] = multi(m);
	for (unsigned int i = 0; i < 2; i++)
		b[i] = multi(m);
	list = flipped ? arg_flipped(m, a, b, nr * sizeof(a[0])) : arg(m, a, nr * sizeof(a[0]));
	return CALL(m, multicall, list, nr, 0, 0, 0);
}
