/* SPDX-License-Identifier: MIT */
/*
 * PCI devices and their messages: told of, gone, restored; and what the domain that drives devices
 * may still write to the registers of messages.
 *
 * Work on all messages of a device is done one at a time, interrupts being let in between.
 */
#include "pirq_record.h"
#include <asm/pci_conf.h>
#include <asm/pirq.h>
#include <asm/precondition.h>
#include <isola/errno.h>

int pirq_device_add(u16 bdf)
{
	struct pci_dev dev;
	u64 flags;
	int rc = 0;

	pci_dev_read(bdf, &dev);
	flags = spin_lock_irqsave(&gsi_lock);
	if (!pci_dev_find(bdf))
		rc = pci_dev_add(&dev);
	spin_unlock_irqrestore(&gsi_lock, flags);
	return rc;
}

/* Ends one of its messages; when there is none left, the device. True: once more. */
static bool remove_some(u16 bdf, int *rc)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	struct pci_dev *dev = pci_dev_find(bdf);
	u32 n = dev ? pirq_of_message(bdf, -1) : 0;

	*rc = dev ? 0 : -ENODEV;
	if (n) {
		struct pirq *p = pirq_at(n);

		pirq_silence(n, p);
		pirq_msi_end(n, p);
	} else if (dev) {
		pirq_unguard(dev);
		pci_dev_remove(dev);
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
	return n;
}

int pirq_device_remove(u16 bdf)
{
	int rc;

	for (unsigned i = 0; i < NR_PIRQS && remove_some(bdf, &rc); i++)
		;
	return rc;
}

static void restore_one(u32 n, u16 bdf)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	struct pirq *p = pirq_at(n);

	if (pirq_is_msi(p) && p->msi.bdf == bdf) {
		msi_write(&p->msi, p->vector, p->apic_id);
		pirq_let_speak(n, p);
	}
	spin_unlock_irqrestore(&gsi_lock, flags);
}

int pirq_device_restore(u16 bdf)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	bool is_known = pci_dev_find(bdf);

	spin_unlock_irqrestore(&gsi_lock, flags);
	if (!is_known)
		return -ENODEV;
	for (u32 n = nr_gsis; n < NR_PIRQS; n++)
		if (READ_ONCE(pirq_at(n)->msi.bdf) == bdf)
			restore_one(n, bdf);
	return 0;
}

/* Lock held. */
static int prepare(struct pci_dev *dev)
{
	int rc;

	ASSERT_LOCKED(&gsi_lock);
	if (!dev || !dev->msix)
		return -ENODEV;
	if (dev->is_prepared || dev->nr_mapped)
		return -EBUSY;
	rc = pirq_guard(dev);
	dev->is_prepared = !rc;
	return rc;
}

/* Lock held. */
static int release(struct pci_dev *dev)
{
	ASSERT_LOCKED(&gsi_lock);
	if (!dev || !dev->msix)
		return -ENODEV;
	if (!dev->is_prepared || dev->nr_mapped)
		return -EBUSY;
	pirq_unguard(dev);
	dev->is_prepared = false;
	return 0;
}

int pirq_device_prepare(u16 bdf)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	int rc = prepare(pci_dev_find(bdf));

	spin_unlock_irqrestore(&gsi_lock, flags);
	return rc;
}

int pirq_device_release(u16 bdf)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	int rc = release(pci_dev_find(bdf));

	spin_unlock_irqrestore(&gsi_lock, flags);
	return rc;
}

/* ---- Configuration --------------------------------------------------------------------------- */

static bool hits(u32 reg, unsigned bytes, u8 cap, unsigned cap_bytes)
{
	return cap && reg + bytes > cap && reg < cap + cap_bytes;
}

/* Of MSI-X the control word is the domain's, and may be written as a word; the rest is constant. */
static void write_msix(const struct pci_dev *dev, u32 reg, unsigned bytes, u32 val)
{
	if (reg == dev->msix + CAP_CONTROL && bytes == 2)
		pci_conf_write16(dev->bdf, reg, val);
}

/*
 * Address, data and mask of an MSI are ours (XSA-128, 129). Enable is the domain's, in so far as
 * there is a message. Lock held.
 */
static void write_msi(const struct pci_dev *dev, u32 reg, unsigned bytes, u32 val)
{
	struct msi none = { .bdf = dev->bdf, .cap = dev->msi, .is_held = true };

	ASSERT_LOCKED(&gsi_lock);
	if (reg == dev->msi + CAP_CONTROL && bytes == 2)
		msi_control(dev->msi_pirq ? &pirq_at(dev->msi_pirq)->msi : &none, val);
}

bool pirq_conf_write(u16 bdf, u32 reg, unsigned bytes, u32 val)
{
	u64 flags = spin_lock_irqsave(&gsi_lock);
	const struct pci_dev *dev = pci_dev_find(bdf);
	bool is_ours = true;

	if (dev && hits(reg, bytes, dev->msix, MSIX_CAP_BYTES))
		write_msix(dev, reg, bytes, val);
	else if (dev && hits(reg, bytes, dev->msi, dev->msi_bytes))
		write_msi(dev, reg, bytes, val);
	else
		is_ours = false;
	spin_unlock_irqrestore(&gsi_lock, flags);
	return is_ours;
}
