/* SPDX-License-Identifier: MIT */
/*
 * The machine memory map after boot: what XENMEM_machine_memory_map shows dom0, and which frames
 * are RAM. Public, read-only once memmap_init() has run.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>

struct memmap_entry {
	u64 addr, size;                 /* bytes */
	u32 type;                       /* E820: 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable */
};

unsigned memmap_nr(void);
const struct memmap_entry *memmap_entry(unsigned i);

/* Is frame @m RAM in the machine's map, whoever owns it now? */
bool memmap_frame_is_ram(mfn_t m);
