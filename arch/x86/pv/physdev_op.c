/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_physdev_op: I/O privilege. Interrupts of devices are not routed to guests in this
 * release: those sub-operations are refused with -ENOSYS, which dom0 Linux lives with
 * (docs/abi/hypercalls-platform.md says what each refusal costs).
 */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/domain.h>
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/physdev.h>

/* Virtual IOPL: hardware's stays 0 (IOP-1). */
static long set_iopl(u64 arg)
{
	struct physdev_set_iopl op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.iopl > 3)
		return -EINVAL;
	this_vcpu.iopl = op.iopl;
	return 0;
}

/* The bitmap itself is read, and checked again, at each access. */
static long set_iobitmap(u64 arg)
{
	struct { u64 bitmap; u32 nr_ports, pad; } op;

	static_assert(sizeof(op) == sizeof(struct physdev_set_iobitmap), "the ABI's layout");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.nr_ports > 65536 || !guest_range_ok(op.bitmap, (op.nr_ports + 7) / 8))
		return -EINVAL;
	this_vcpu.iobitmap_va = op.bitmap;
	this_vcpu.nr_ioports = op.nr_ports;
	return 0;
}

/*
 * dom0 tells us of devices and of configuration space that it found. Nothing here uses either yet,
 * so there is nothing to do; but an argument that cannot be read is one.
 */
static long take_note(u64 arg, size_t size)
{
	u8 op[sizeof(struct physdev_pci_mmcfg_reserved)];

	if (!current->domain->is_privileged)
		return -EPERM;
	return copy_from_guest(op, arg, min(size, sizeof(op)));
}

/* HYPERVISOR_physdev_op(cmd, arg): 0; -EFAULT, -EINVAL, -EPERM; -ENOSYS. */
long hc_physdev_op(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)
{
	(void)a3, (void)a4, (void)a5, (void)a6;
	switch ((u32)cmd) {
	case PHYSDEVOP_set_iopl:
		return set_iopl(arg);
	case PHYSDEVOP_set_iobitmap:
		return set_iobitmap(arg);
	case PHYSDEVOP_pci_device_add:
		return take_note(arg, offsetof(struct physdev_pci_device_add, optarr));
	case PHYSDEVOP_pci_device_remove:
		return take_note(arg, sizeof(struct physdev_pci_device));
	case PHYSDEVOP_pci_mmcfg_reserved:
		return take_note(arg, sizeof(struct physdev_pci_mmcfg_reserved));
	default:
		guest_debug("physdev_op %u is not built", (u32)cmd);
		return -ENOSYS;
	}
}
