/* SPDX-License-Identifier: MIT */
/*
 * What the loader said: the machine's memory map, which XENMEM_machine_memory_map shows dom0, and
 * where the image lies. Public, read-only once memmap_init() has run.
 */
#pragma once

#include <isola/boot_info.h>
#include <isola/frame_num.h>
#include <isola/types.h>
#include <asm/layout.h>

extern struct boot_info boot_info;      /* filled by start.c, constant afterwards */
extern u64 image_maddr;                 /* where the image's first byte lies */

static inline u64 image_va_to_maddr(const void *p) { return (u64)p - VA_IMAGE + image_maddr; }

struct memmap_entry {
	u64 addr, size;                 /* bytes */
	u32 type;                       /* E820: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable */
};

/* Print boot_info's map and make dom0's of it. */
void memmap_init(void);

/*
 * Below it no RAM is given to anybody: firmware has left data there, and the control domain's
 * kernel looks for them. I/O memory, whatever the map says (asm/iomem.h).
 */
#define MEMMAP_LOW_END MIB(1)

unsigned memmap_nr(void);
const struct memmap_entry *memmap_entry(unsigned i);

/* Is frame @m RAM in the machine's map, whoever owns it now? */
bool memmap_frame_is_ram(mfn_t m);
