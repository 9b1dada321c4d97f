/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space by ports CF8h and CFCh: segment 0, the first 256 bytes of a function.
 * PCI Local Bus Specification 3.0, §3.2.2.3.2. @bdf: bus << 8 | device << 3 | function.
 *
 * Address and data are two steps; a lock makes them one. Any context but NMI.
 */
#pragma once

#include <isola/types.h>

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  (1u << 31)                  /* of what is written to PCI_ADDRESS */

/* One access of @bytes (1, 2, 4) to the data port at @offset, @address being in the latch. */
u32 pci_conf_in(u32 address, unsigned offset, unsigned bytes);
void pci_conf_out(u32 address, unsigned offset, unsigned bytes, u32 val);

/* A register of @bdf, aligned to its size. */
u32 pci_conf_read(u16 bdf, u8 reg);
u16 pci_conf_read16(u16 bdf, u8 reg);
void pci_conf_write(u16 bdf, u8 reg, u32 val);
void pci_conf_write16(u16 bdf, u8 reg, u16 val);

/* The function is the hypervisor's: what a domain writes to its configuration goes nowhere. */
void pci_conf_keep(u16 bdf);
bool pci_conf_is_kept(u16 bdf);
