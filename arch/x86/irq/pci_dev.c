/* SPDX-License-Identifier: MIT */
/*
 * PCI devices: see asm/pci_dev.h.
 *
 * Invariants: no device is there twice. Capabilities are read once, when a device is told of: what
 * it says of itself later changes nothing (XSA-337). A list of capabilities that runs in a ring
 * ends with as many as configuration space has room for.
 */
#include "pirq_record.h"
#include <asm/pci_conf.h>
#include <asm/pci_dev.h>
#include <asm/precondition.h>
#include <isola/errno.h>
#include <isola/nospec.h>

#define CONF_COMMAND    0x04
#define COMMAND_MEMORY  2u
#define CONF_STATUS     0x06
#define STATUS_CAPS     0x10u
#define CONF_HEADER     0x0c            /* byte 2 of the dword */
#define CONF_BAR        0x10
#define CONF_CAPS       0x34
#define BAR_IO          1u
#define BAR_TYPE(bar)   ((bar) >> 1 & 3)
#define BAR_64          2u

#define CAPS_START      0x40
#define MAX_CAPS        ((0x100 - CAPS_START) / 4)
#define CAP_MSI         0x05
#define CAP_MSIX        0x11

static struct pci_dev devs[MAX_PCI_DEVS];
static u32 nr_devs;

/* ---- What a device says of itself ------------------------------------------------------------ */

static unsigned nr_bars(u16 bdf)
{
	switch (pci_conf_read(bdf, CONF_HEADER) >> 16 & 0x7f) {
	case 0:
		return 6;
	case 1:                         /* a bridge */
		return 2;
	default:
		return 0;
	}
}

u64 pci_bar_read(u16 bdf, u8 bar)
{
	unsigned nr = nr_bars(bdf);
	u32 low, high = 0;

	if (bar >= nr)
		return 0;
	low = pci_conf_read(bdf, CONF_BAR + 4 * bar);
	if (low & BAR_IO)
		return 0;
	if (BAR_TYPE(low) == BAR_64) {
		if (bar + 1u >= nr)
			return 0;
		high = pci_conf_read(bdf, CONF_BAR + 4 * (bar + 1));
	}
	return (u64)high << 32 | (low & ~0xfu);
}

bool pci_memory_is_on(u16 bdf)
{
	return pci_conf_read16(bdf, CONF_COMMAND) & COMMAND_MEMORY;
}

/* A dword of the capability: offset into the memory of a base register, and which in bits 2:0. */
static struct pci_piece piece_at(u16 bdf, u8 reg, u32 bytes)
{
	u32 val = pci_conf_read(bdf, reg);

	return (struct pci_piece){ .offset = val & ~7u, .bytes = bytes, .bar = val & 7 };
}

static void read_msix(struct pci_dev *dev, u8 cap)
{
	if (cap > 0x100 - MSIX_CAP_BYTES)
		return;                 /* it runs out of configuration space */
	dev->msix = cap;
	dev->nr_entries = (pci_conf_read16(dev->bdf, cap + CAP_CONTROL) & 0x7ff) + 1;
	dev->table = piece_at(dev->bdf, cap + 4, dev->nr_entries * MSIX_ENTRY_BYTES);
	dev->pba = piece_at(dev->bdf, cap + 8, DIV_ROUND_UP(dev->nr_entries, 64) * 8u);
}

u8 pci_msi_bytes(u16 control)
{
	return 10 + (control & MSI_WIDE ? 4 : 0) + (control & MSI_HAS_MASK ? 10 : 0);
}

static void read_msi(struct pci_dev *dev, u8 cap)
{
	u8 bytes = pci_msi_bytes(pci_conf_read16(dev->bdf, cap + CAP_CONTROL));

	if (cap + bytes > 0x100)
		return;
	dev->msi = cap;
	dev->msi_bytes = bytes;
}

void pci_dev_read(u16 bdf, struct pci_dev *dev)
{
	u8 cap;

	*dev = (struct pci_dev){ .bdf = bdf };
	if (!(pci_conf_read16(bdf, CONF_STATUS) & STATUS_CAPS))
		return;
	cap = pci_conf_read(bdf, CONF_CAPS) & 0xfc;
	for (unsigned i = 0; i < MAX_CAPS && cap >= CAPS_START; i++) {
		u32 head = pci_conf_read(bdf, cap);

		if ((head & 0xff) == CAP_MSIX && !dev->msix)
			read_msix(dev, cap);
		if ((head & 0xff) == CAP_MSI && !dev->msi)
			read_msi(dev, cap);
		cap = head >> 8 & 0xfc;
	}
}

/* ---- The table ------------------------------------------------------------------------------- */

struct pci_dev *pci_dev_find(u16 bdf)
{
	ASSERT_LOCKED(&gsi_lock);
	for (u32 i = 0; i < nr_devs; i++)
		if (devs[i].bdf == bdf)
			return &devs[index_nospec(i, MAX_PCI_DEVS)];
	return NULL;
}

int pci_dev_add(const struct pci_dev *dev)
{
	ASSERT_LOCKED(&gsi_lock);
	if (nr_devs == MAX_PCI_DEVS)
		return -ENOMEM;
	devs[nr_devs++] = *dev;
	return 0;
}

/* The last one takes its place. */
void pci_dev_remove(struct pci_dev *dev)
{
	ASSERT_LOCKED(&gsi_lock);
	*dev = devs[--nr_devs];
}
