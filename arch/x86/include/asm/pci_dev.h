/* SPDX-License-Identifier: MIT */
/*
 * PCI devices that the hardware domain has told of, and where their messages are kept. PCI Local
 * Bus Specification 3.0, §6.7 (capabilities), §6.8 (MSI, MSI-X).
 *
 * Segment 0 alone: no other is in reach of the ports. The table is public, static and bounded, and
 * changes under gsi_lock (irq/pirq.c).
 */
#pragma once

#include <isola/types.h>

#define MAX_PCI_DEVS 1024

#define MSIX_CAP_BYTES   12
#define MSIX_ENTRY_BYTES 16

/* A piece of a device's memory: at @offset of the memory that base register @bar says. */
struct pci_piece {
	u32 offset, bytes;
	u8 bar;
};

struct pci_dev {
	u16 bdf;
	u8 msi, msix;			/* where its capabilities are; 0: it has none */
	u8 msi_bytes;			/* of the capability */
	bool is_prepared;		/* by PHYSDEVOP_prepare_msix */
	u16 nr_entries;			/* of the table of messages */
	u16 nr_mapped;			/* of these */
	u16 msi_pirq;			/* of its MSI; 0: not mapped */
	struct pci_piece table, pba;
	/* What of them is guarded against writes, frames; nr 0: nothing. */
	struct pci_guard {
		u64 first;
		u32 nr;
	} guard[2];
};

/*
 * Where either capability has its control word. Of an MSI: its address is of 64 bits, it can be
 * masked.
 */
#define CAP_CONTROL     2u
#define MSI_WIDE        0x0080u
#define MSI_HAS_MASK    0x0100u
/* The length of an MSI capability, by its control word. */
u8 pci_msi_bytes(u16 control);

/* Look at a device: its capabilities. No lock; config accesses bounded. */
void pci_dev_read(u16 bdf, struct pci_dev *dev);

/* The device, NULL: not told of. Lock held; valid for as long as it is. */
struct pci_dev *pci_dev_find(u16 bdf);
/* Take in *@dev, which is not there. -ENOMEM: the table is full. Lock held. */
int __must_check pci_dev_add(const struct pci_dev *dev);
/* Lock held. */
void pci_dev_remove(struct pci_dev *dev);

/*
 * What the base register @bar of @bdf says: a machine address, 0: it is none of memory, or not set.
 */
u64 pci_bar_read(u16 bdf, u8 bar);
/* Does @bdf answer to accesses to its memory? */
bool pci_memory_is_on(u16 bdf);
