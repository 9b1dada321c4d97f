/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts: an interrupt is a write of the device's into the MSI window. What
 * it writes, and where, stands in registers of its configuration space (MSI), or in an entry of a
 * table in its memory (MSI-X). PCI Local Bus Specification 3.0, §6.8; SDM vol. 3 §11.11.
 *
 *   address  0xfee00000 | APIC id << 12    physical destination, one CPU
 *   data     vector                        fixed delivery, edge
 *
 * A vector is one message's on all CPUs, so that moving a message changes its address alone.
 *
 * Three kinds, by how they are masked: MSI-X by a bit of the entry, MSI by a bit of a register if
 * it has one, and MSI that cannot be masked by its Enable bit, which is the hardware domain's
 * otherwise.
 *
 * All but msi_may_lie(): gsi_lock held, interrupts off.
 */
#pragma once

#include <isola/types.h>
#include <asm/pci_dev.h>

struct msi {
	u16 bdf;
	u8 cap;                         /* where the capability is; 0: there is no message */
	bool is_x;
	/* MSI */
	bool is_wide;                   /* address of 64 bits */
	bool has_mask;
	bool is_held;                   /* Enable is off, whatever the domain wants */
	bool is_wanted;                 /* Enable, as the domain last wrote it */
	/* MSI-X */
	u8 bar;
	u16 entry;
	u64 bar_maddr;                  /* where the base register had the memory */
	u64 maddr;                      /* of the entry */
};

/* May a table lie in [@maddr, @maddr + @bytes), a few frames? No lock. */
bool msi_may_lie(u64 maddr, u32 bytes);

/*
 * The message of @dev that @m will stand for; @entry: of the table, for MSI-X. 0; -ENODEV: it has
 * no such capability; -EINVAL: no such entry; -ENXIO: its memory is off, or where no table can be.
 */
int __must_check msi_find(const struct pci_dev *dev, bool is_x, u32 entry, struct msi *m);

/* Write the message; it is masked, as it is left. */
void msi_write(struct msi *m, u8 vector, u32 apic_id);
/* To another CPU: none is lost that comes meanwhile. */
void msi_set_dest(struct msi *m, u32 apic_id);
/* When it returns the device has seen it. */
void msi_mask(struct msi *m);
void msi_unmask(struct msi *m);
/* No interrupt any more: masked, MSI disabled, message 0. */
void msi_end(struct msi *m);

/* The hardware domain writes @control of an MSI: what of it may be, is. */
void msi_control(struct msi *m, u16 control);
