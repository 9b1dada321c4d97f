/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: see asm/pci_conf.h. PCI Local Bus Specification 3.0, §3.2.2.3.2.
 */
#include <isola/printk.h>
#include <asm/insn.h>
#include <asm/pci_conf.h>


/* Written at boot only. */
static u16 kept[4];
static unsigned nr_kept;

u32 pci_conf_read(u16 bdf, u8 offset)
{
	outl(PCI_ENABLE | (u32)bdf << 8 | (offset & ~3u), PCI_ADDRESS);
	return inl(PCI_DATA);
}

void pci_conf_write(u16 bdf, u8 offset, u32 val)
{
	outl(PCI_ENABLE | (u32)bdf << 8 | (offset & ~3u), PCI_ADDRESS);
	outl(val, PCI_DATA);
}

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
