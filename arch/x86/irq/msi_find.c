/* SPDX-License-Identifier: MIT */
/*
 * Which message of a device it is, before anything of it is written: see asm/msi.h.
 *
 * Invariant: a table lies in I/O memory that the domain may write itself, so never in RAM, nor on
 * an interrupt controller, whatever a base register says.
 */
#include "pirq_record.h"
#include <asm/iomem.h>
#include <asm/msi.h>
#include <asm/page_ref.h>
#include <asm/pci_conf.h>
#include <asm/precondition.h>
#include <asm/pt_check.h>
#include <isola/errno.h>

bool msi_may_lie(u64 maddr, u32 bytes)
{
	u64 last = (maddr + bytes - 1) >> PAGE_SHIFT;

	if (maddr + bytes < maddr || !pt_check_reaches(_mfn(last)))
		return false;
	for (u64 f = maddr >> PAGE_SHIFT; f <= last; f++)
		if (!is_io_frame(_mfn(f)) || !iomem_is_device(_mfn(f)))
			return false;
	return true;
}

static int find_entry(const struct pci_dev *dev, u32 entry, struct msi *m)
{
	if (!dev->msix)
		return -ENODEV;
	if (entry >= dev->nr_entries)
		return -EINVAL;
	m->bar = dev->table.bar;
	m->bar_maddr = pci_bar_read(m->bdf, m->bar);
	m->maddr = m->bar_maddr + dev->table.offset + MSIX_ENTRY_BYTES * (u64)entry;
	if (!m->bar_maddr || !pci_memory_is_on(m->bdf) || !msi_may_lie(m->maddr, MSIX_ENTRY_BYTES))
		return -ENXIO;
	m->cap = dev->msix;
	m->is_x = true;
	m->entry = entry;
	return 0;
}

int msi_find(const struct pci_dev *dev, bool is_x, u32 entry, struct msi *m)
{
	u16 control;

	ASSERT_LOCKED(&gsi_lock);
	*m = (struct msi){ .bdf = dev->bdf };
	if (is_x)
		return find_entry(dev, entry, m);
	if (!dev->msi)
		return -ENODEV;
	control = pci_conf_read16(m->bdf, dev->msi + CAP_CONTROL);
	if (pci_msi_bytes(control) != dev->msi_bytes)
		return -ENXIO;          /* not what it was */
	m->cap = dev->msi;
	m->is_wide = control & MSI_WIDE;
	m->has_mask = control & MSI_HAS_MASK;
	m->is_held = true;
	return 0;
}
