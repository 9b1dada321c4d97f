/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space by ports CF8h and CFCh, for the hypervisor itself. While booting only:
 * later the two ports are dom0's (pv/ioport.c). @bdf: bus << 8 | device << 3 | function.
 */
#pragma once

#include <isola/types.h>

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  (1u << 31)                  /* of what is written to PCI_ADDRESS */

u32 pci_conf_read(u16 bdf, u8 offset);
void pci_conf_write(u16 bdf, u8 offset, u32 val);

/* The function is the hypervisor's: what a domain writes to its configuration goes nowhere. */
void pci_conf_keep(u16 bdf);
bool pci_conf_is_kept(u16 bdf);
