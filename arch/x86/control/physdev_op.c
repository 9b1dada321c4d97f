/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_physdev_op: I/O privilege, the lines of devices, and what dom0 tells of PCI.
 *
 * A table of operations, their argument copied in once, and back where it holds a result. Who may:
 * isola/privilege.h. Answers: docs/abi/hypercalls-platform.md.
 */
#include <asm/hypercall.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pci_mmcfg.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/printk.h>
#include <isola/privilege.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/physdev.h>

/* Virtual IOPL: hardware's stays 0 (IOP-1). */
static long set_iopl(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_set_iopl *op = arg;

	if (op->iopl > 3)
		return -EINVAL;
	this_vcpu.iopl = op->iopl;
	return 0;
}

/* The bitmap itself is read, and checked again, at each access. */
static long set_iobitmap(struct domain *d __maybe_unused, void *arg)
{
	const struct { u64 bitmap; u32 nr_ports, pad; } *op = arg;

	static_assert(sizeof(*op) == sizeof(struct physdev_set_iobitmap), "the ABI's layout");
	if (op->nr_ports > 65536 || !guest_range_ok(op->bitmap, (op->nr_ports + 7) / 8))
		return -EINVAL;
	this_vcpu.iobitmap_va = op->bitmap;
	this_vcpu.nr_ioports = op->nr_ports;
	return 0;
}

/* ---- Lines of devices ----------------------------------------------------------------------- */

/* A line's pirq has its number: another one cannot be asked for. */
static long map_line(struct domain *d, struct physdev_map_pirq *op)
{
	int rc;

	if (op->pirq >= 0 && op->pirq != op->index)
		return -EINVAL;
	rc = pirq_map(d, op->index);
	op->pirq = op->index;
	return rc;
}

/* Messages that a device distinguishes by the low bits of one vector's number. */
#define MAX_MULTI_MSI 32

/* More than one would need interrupt remapping, as on Xen: the driver then asks for one. */
static long may_map_multi(const struct physdev_map_pirq *op)
{
	if (op->table_base)
		return -EINVAL;
	if (op->entry_nr <= 0 || op->entry_nr > MAX_MULTI_MSI)
		return -EDOM;
	return op->entry_nr == 1 ? 0 : -EOPNOTSUPP;
}

/*
 * A base of a table says that it is MSI-X; what it is is read from the device. Linux takes -EINVAL
 * to MSI_SEG for "segments are not known": it is said only of what is wrong for MSI too.
 */
static long map_msi(struct domain *d, struct physdev_map_pirq *op)
{
	bool has_segment = op->type != MAP_PIRQ_TYPE_MSI;
	struct pirq_msi msi = {
		.bdf = (op->bus & 0xff) << 8 | (op->devfn & 0xff), .is_x = op->table_base,
		.entry = op->table_base ? op->entry_nr : 0, .pirq = op->pirq,
	};
	long rc = 0;

	if (op->type == MAP_PIRQ_TYPE_MULTI_MSI)
		rc = may_map_multi(op);
	else if (op->index != -1)
		rc = -EINVAL;           /* the number of an interrupt of Xen's */
	if (rc)
		return rc;
	if (has_segment && (u32)op->bus >> 16)
		return -ENODEV;
	rc = pirq_map_msi(d, &msi);
	op->pirq = msi.pirq;
	return rc;
}

static long map_pirq(struct domain *d, void *arg)
{
	struct physdev_map_pirq *op = arg;

	if (op->domid != DOMID_SELF && op->domid != d->domid)
		return refuse_other(MAY_map_pirq, op->domid);
	switch (op->type) {
	case MAP_PIRQ_TYPE_GSI:
		return map_line(d, op);
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
	case MAP_PIRQ_TYPE_MULTI_MSI:
		return map_msi(d, op);
	default:
		return -EINVAL;
	}
}

static long get_free_pirq(struct domain *d __maybe_unused, void *arg)
{
	struct physdev_get_free_pirq *op = arg;

	return pirq_take_number(op->type == MAP_PIRQ_TYPE_GSI, &op->pirq);
}

static long unmap_pirq(struct domain *d, void *arg)
{
	const struct physdev_unmap_pirq *op = arg;

	if (op->domid != DOMID_SELF && op->domid != d->domid)
		return refuse_other(MAY_unmap_pirq, op->domid);
	return pirq_unmap(d, op->pirq);
}

static long setup_gsi(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_setup_gsi *op = arg;

	return pirq_setup(op->gsi, op->triggering, op->polarity);
}

static long eoi(struct domain *d, void *arg)
{
	const struct physdev_eoi *op = arg;

	return pirq_eoi(d, op->irq);
}

/* Without a page of EOI bits dom0 asks here, and then sends an EOI for every interrupt. */
static long irq_status_query(struct domain *d __maybe_unused, void *arg)
{
	struct physdev_irq_status_query *op = arg;

	if (!pirq_exists(op->irq))
		return -EINVAL;
	op->flags = XENIRQSTAT_needs_eoi;
	return 0;
}

/* Vectors are ours; dom0 gets a number that it can do nothing with. */
static long alloc_irq_vector(struct domain *d __maybe_unused, void *arg)
{
	struct physdev_irq *op = arg;

	op->vector = op->irq;
	return 0;
}

static long apic_read(struct domain *d __maybe_unused, void *arg)
{
	struct physdev_apic *op = arg;

	return pirq_apic_read(op->apic_physbase, op->reg, &op->value);
}

/* Once, and for good: the page is held. */
static long pirq_eoi_gmfn(struct domain *d, void *arg)
{
	const struct physdev_pirq_eoi_gmfn *op = arg;
	struct page_info *pg = page_get_from_mfn(_mfn(op->gmfn), d);
	u64 none = 0;

	if (!pg)
		return -EINVAL;
	if (page_type_get(pg, PGT_writable)) {
		page_put(pg);
		return -EINVAL;
	}
	if (__atomic_compare_exchange_n(&d->pirq_eoi_maddr, &none, mfn_to_maddr(page_mfn(pg)),
					false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return 0;
	page_put_and_type(pg);
	return -EBUSY;
}

/* ---- PCI devices ---------------------------------------------------------------------------- */

static u16 bdf_of(u8 bus, u8 devfn)
{
	return bus << 8 | devfn;
}

/* What lies in another segment is out of reach: nothing is known of it, and it has no messages. */
static long pci_device_add(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_pci_device_add *op = arg;

	return op->seg ? 0 : pirq_device_add(bdf_of(op->bus, op->devfn));
}

static long manage_pci_add(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_manage_pci *op = arg;

	return pirq_device_add(bdf_of(op->bus, op->devfn));
}

static long manage_pci_add_ext(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_manage_pci_ext *op = arg;

	if (op->is_extfn > 1 || op->is_virtfn > 1)
		return -EINVAL;
	return pirq_device_add(bdf_of(op->bus, op->devfn));
}

static long manage_pci_remove(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_manage_pci *op = arg;

	return pirq_device_remove(bdf_of(op->bus, op->devfn));
}

static long restore_msi(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_restore_msi *op = arg;

	return pirq_device_restore(bdf_of(op->bus, op->devfn));
}

/* Those whose argument is a device. */
#define PCI_OP(name, fn)						\
static long name(struct domain *d __maybe_unused, void *arg)		\
{									\
	const struct physdev_pci_device *op = arg;			\
									\
	return op->seg ? -ENODEV : fn(bdf_of(op->bus, op->devfn));	\
}
PCI_OP(pci_device_remove, pirq_device_remove)
PCI_OP(restore_msi_ext, pirq_device_restore)
PCI_OP(prepare_msix, pirq_device_prepare)
PCI_OP(release_msix, pirq_device_release)
#undef PCI_OP

static long pci_mmcfg_reserved(struct domain *d __maybe_unused, void *arg)
{
	const struct physdev_pci_mmcfg_reserved *op = arg;

	if (op->flags & ~XEN_PCI_MMCFG_RESERVED)
		return -EINVAL;
	return pci_mmcfg_reserve(op->segment, op->start_bus, op->end_bus, op->address,
				 op->flags & XEN_PCI_MMCFG_RESERVED);
}

/* ---- The table ------------------------------------------------------------------------------ */

#define OP_OUT  1               /* the argument is copied back on success */

static const struct op {
	long (*fn)(struct domain *d, void *arg);
	u8 bytes;               /* of the argument */
	u8 may;                 /* enum privilege: -EPERM for others, before it is read */
	u8 flags;
} ops[] = {
#define OP(name, type, flags) \
	[PHYSDEVOP_##name] = { name, sizeof(struct physdev_##type), MAY_##name, flags }
	OP(set_iopl, set_iopl, 0),
	OP(set_iobitmap, set_iobitmap, 0),
	OP(map_pirq, map_pirq, OP_OUT),
	OP(unmap_pirq, unmap_pirq, 0),
	OP(setup_gsi, setup_gsi, 0),
	OP(eoi, eoi, 0),
	OP(irq_status_query, irq_status_query, OP_OUT),
	OP(alloc_irq_vector, irq, OP_OUT),
	OP(apic_read, apic, OP_OUT),
	[PHYSDEVOP_pirq_eoi_gmfn_v2] = {
		pirq_eoi_gmfn, sizeof(struct physdev_pirq_eoi_gmfn), MAY_pirq_eoi_gmfn, 0 },
	OP(get_free_pirq, get_free_pirq, OP_OUT),
	[PHYSDEVOP_pci_device_add] = {
		pci_device_add, offsetof(struct physdev_pci_device_add, optarr),
		MAY_pci_device_add, 0 },
	OP(pci_device_remove, pci_device, 0),
	OP(manage_pci_add, manage_pci, 0),
	OP(manage_pci_add_ext, manage_pci_ext, 0),
	OP(manage_pci_remove, manage_pci, 0),
	OP(restore_msi, restore_msi, 0),
	OP(restore_msi_ext, pci_device, 0),
	OP(prepare_msix, pci_device, 0),
	OP(release_msix, pci_device, 0),
	OP(pci_mmcfg_reserved, pci_mmcfg_reserved, 0),
#undef OP
};

#define MAX_ARG_BYTES sizeof(struct physdev_map_pirq)
static_assert(sizeof(struct physdev_map_pirq) == 40 &&
	      sizeof(struct physdev_pci_mmcfg_reserved) <= 40, "the largest argument");

/* HYPERVISOR_physdev_op(cmd, arg): 0; -EFAULT; -EPERM; -ENOSYS; the operation's own. */
long hc_physdev_op(u64 cmd, u64 arg)
{
	u64 buf[DIV_ROUND_UP(MAX_ARG_BYTES, 8)] = { 0 };
	struct domain *d = current->domain;
	const struct op *op = &ops[index_nospec((u32)cmd, ARRAY_SIZE(ops))];
	long rc;

	if ((u32)cmd >= ARRAY_SIZE(ops) || !op->fn) {
		guest_debug("physdev_op %u is not built", (u32)cmd);
		return -ENOSYS;
	}
	if (!domain_may(d, op->may))
		return -EPERM;
	if (copy_from_guest(buf, arg, op->bytes))
		return -EFAULT;
	rc = op->fn(d, buf);
	if (!rc && (op->flags & OP_OUT) && copy_to_guest(arg, buf, op->bytes))
		rc = -EFAULT;
	return rc;
}
