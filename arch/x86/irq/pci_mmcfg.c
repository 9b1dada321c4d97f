/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space in memory: see asm/pci_mmcfg.h.
 *
 * Invariant: what is written to a function of segment 0 passes the same filters whichever way it
 * comes: functions of the hypervisor's, and registers of messages (irq/pirq_device.c). No device of
 * another segment has messages of ours, or is ours.
 */
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/iomem.h>
#include <asm/ioapic.h>
#include <asm/page_ref.h>
#include <asm/pci_conf.h>
#include <asm/pci_mmcfg.h>
#include <asm/pirq.h>
#include <asm/precondition.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/printk.h>

#define FRAMES_PER_BUS	256u		/* one a function */
#define PORTS_REACH	0x100u
#define E820_RESERVED	2

/* Constant after boot, but for is_guarded, which changes under gsi_lock. */
static struct aperture {
	struct acpi_mmcfg mmcfg;
	u64 first;			/* frame */
	u32 nr;				/* frames */
	bool is_guarded;
} aperture[ACPI_MAX_MMCFGS];
static unsigned nr_apertures;

static struct aperture make(const struct acpi_mmcfg *m)
{
	return (struct aperture){
		.mmcfg = *m, .first = (m->maddr >> PAGE_SHIFT) + m->first_bus * FRAMES_PER_BUS,
		.nr = (m->last_bus - m->first_bus + 1u) * FRAMES_PER_BUS };
}

/* Does firmware's map call all of it reserved? */
static bool is_reserved(const struct aperture *a)
{
	u64 start = a->first << PAGE_SHIFT, end = start + ((u64)a->nr << PAGE_SHIFT);

	for (unsigned i = 0; i < memmap_nr(); i++) {
		const struct memmap_entry *e = memmap_entry(i);

		if (e->type == E820_RESERVED && e->addr <= start && end <= e->addr + e->size)
			return true;
	}
	return false;
}

/* Lock held. */
static int guard(struct aperture *a)
{
	int rc;

	ASSERT_LOCKED(&gsi_lock);
	if (a->is_guarded)
		return 0;
	rc = iomem_guard(_mfn(a->first), a->nr);
	if (!rc)
		WRITE_ONCE(a->is_guarded, true);
	return rc;
}

void pci_mmcfg_init(const struct acpi_info *acpi)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);

	for (unsigned i = 0; i < acpi->nr_mmcfgs; i++) {
		const struct acpi_mmcfg *m = &acpi->mmcfg[i];
		struct aperture a = make(m);

		if (!pt_check_reaches(_mfn(a.first + a.nr - 1)) || !is_io_frame(_mfn(a.first))) {
			pr_warn("PCI: no configuration space can be at 0x%lx: left out", m->maddr);
			continue;
		}
		if (is_reserved(&a) && guard(&a))
			continue;
		pr_info("PCI: segment %04x, buses %02x to %02x, is in memory at 0x%lx%s",
			m->segment, m->first_bus, m->last_bus, m->maddr,
			a.is_guarded ? "" : ", which is not reserved");
		aperture[nr_apertures++] = a;
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
}

/* Lock held. */
static int reserve(struct aperture *a, u64 maddr, bool is_reserved)
{
	ASSERT_LOCKED(&gsi_lock);
	if (a->mmcfg.maddr != maddr)
		return -EIO;
	return is_reserved ? guard(a) : 0;
}

int pci_mmcfg_reserve(u16 segment, u8 first, u8 last, u64 maddr, bool is_reserved)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	int rc = -ENODEV;

	for (unsigned i = 0; i < nr_apertures && rc == -ENODEV; i++) {
		const struct acpi_mmcfg *m = &aperture[i].mmcfg;

		if (m->segment == segment && m->first_bus == first && m->last_bus == last)
			rc = reserve(&aperture[i], maddr, is_reserved);
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
	return rc;
}

/* ---- Stores ---------------------------------------------------------------------------------- */

static void store(mfn_t m, unsigned offset, unsigned bytes, u32 val)
{
	u64 flags = irq_save();
	volatile u8 *p = (u8 *)cpu_window_map(WINDOW_MMCFG, m, PAGE_HV_UC) + offset;

	if (bytes == 1)
		*p = val;
	else if (bytes == 2)
		*(volatile u16 *)p = val;
	else
		*(volatile u32 *)p = val;
	cpu_window_unmap(WINDOW_MMCFG);
	irq_restore(flags);
}

bool pci_mmcfg_store(mfn_t m, unsigned offset, unsigned bytes, u32 val)
{
	for (unsigned i = 0; i < nr_apertures; i++) {
		const struct aperture *a = &aperture[i];
		u64 at = mfn_x(m) - a->first;           /* huge, if it is below */
		u16 bdf = a->mmcfg.first_bus * FRAMES_PER_BUS + at;

		if (at >= a->nr || !READ_ONCE(a->is_guarded))
			continue;
		if (a->mmcfg.segment || (!pci_conf_is_kept(bdf) &&
					 !pirq_conf_write(bdf, offset, bytes, val)))
			store(m, offset, bytes, val);
		return true;
	}
	return false;
}
