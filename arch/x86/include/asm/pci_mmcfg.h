/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space in memory, where ACPI's MCFG has it. The hardware domain maps it for
 * reading; its stores fault, and what may be is carried out here, as by ports CF8h and CFCh.
 *
 * An aperture is guarded from boot on if firmware's map calls all of it reserved, else from when
 * the domain says that it is; then for good. As Xen 4.17.
 */
#pragma once

#include <asm/acpi.h>
#include <isola/frame_num.h>

/* Boot CPU, once, after iomem_init(), memmap_init() and pirq_init(). */
void pci_mmcfg_init(const struct acpi_info *acpi);

/*
 * The domain has found an aperture of buses @first to @last, bus 0 of which is at @maddr. 0;
 * -ENODEV: the MCFG has none of these buses; -EIO: it has them elsewhere; -ENOMEM.
 */
int __must_check pci_mmcfg_reserve(u16 segment, u8 first, u8 last, u64 maddr, bool is_reserved);

/*
 * A store of @bytes (1, 2, 4; aligned) at @offset of frame @m. False: that is no guarded aperture.
 */
bool pci_mmcfg_store(mfn_t m, unsigned offset, unsigned bytes, u32 val);
