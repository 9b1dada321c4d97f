/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: see asm/pci_conf.h.
 */
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <asm/insn.h>
#include <asm/pci_conf.h>

static spinlock_t conf_lock = SPINLOCK_INIT(LOCK_PCI_CONF);

u32 pci_conf_in(u32 address, unsigned offset, unsigned bytes)
{
	u64 flags = spin_lock_irqsave(&conf_lock);
	u32 val;

	outl(address, PCI_ADDRESS);
	val = port_read(PCI_DATA + offset, bytes);
	spin_unlock_irqrestore(&conf_lock, flags);
	return val;
}

void pci_conf_out(u32 address, unsigned offset, unsigned bytes, u32 val)
{
	u64 flags = spin_lock_irqsave(&conf_lock);

	outl(address, PCI_ADDRESS);
	port_write(PCI_DATA + offset, bytes, val);
	spin_unlock_irqrestore(&conf_lock, flags);
}

static u32 address_of(u16 bdf, u8 reg)
{
	return PCI_ENABLE | (u32)bdf << 8 | (reg & ~3u);
}

u32 pci_conf_read(u16 bdf, u8 reg)
{
	return pci_conf_in(address_of(bdf, reg), 0, 4);
}

u16 pci_conf_read16(u16 bdf, u8 reg)
{
	return pci_conf_in(address_of(bdf, reg), reg & 2, 2);
}

void pci_conf_write(u16 bdf, u8 reg, u32 val)
{
	pci_conf_out(address_of(bdf, reg), 0, 4, val);
}

void pci_conf_write16(u16 bdf, u8 reg, u16 val)
{
	pci_conf_out(address_of(bdf, reg), reg & 2, 2, val);
}

/* ---- Functions of the hypervisor's. Written at boot only. ------------------------------------ */

static u16 kept[4];
static unsigned nr_kept;

void pci_conf_keep(u16 bdf)
{
	BUG_ON(nr_kept == ARRAY_SIZE(kept));
	kept[nr_kept++] = bdf;
}

bool pci_conf_is_kept(u16 bdf)
{
	for (unsigned i = 0; i < nr_kept; i++)
		if (kept[i] == bdf)
			return true;
	return false;
}
