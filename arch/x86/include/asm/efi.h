/* SPDX-License-Identifier: MIT */
/*
 * EFI: what the firmware's system table says, read once at boot.
 *
 * Read where it lies, through a mapping function; the result holds no pointers. Firmware's code is
 * never called. Source: UEFI Specification 2.9, 4.2 (table header), 4.3 (system table), 4.6
 * (configuration table).
 */
#pragma once
#include <isola/types.h>

#define EFI_VENDOR_CHARS	100
#define EFI_MAX_CONFIG_TABLES	256
#define EFI_CONFIG_TABLE_BYTES	24	/* a GUID and an address */

struct efi_info {
	u32 revision;			/* of the specification: major << 16 | minor */
	u32 vendor_revision;		/* of the firmware */
	u16 vendor[EFI_VENDOR_CHARS];	/* UTF-16; cut, and zero from its end on */
	u64 config_maddr;		/* the array of configuration tables */
	u32 nr_config;			/* 0: nothing is known of EFI here */
};

/* As acpi_map_fn: NULL if that cannot be; the answer is used until the next call only. */
typedef const void *efi_map_fn(u64 maddr, size_t len);

/*
 * Read the system table of 64-bit firmware at @maddr.
 *
 * @out      overwritten; all zero on an error.
 * @why      on error, one English fragment.
 * Returns   0, or -EINVAL. Context: boot only.
 */
int __must_check efi_parse(u64 maddr, efi_map_fn *map, struct efi_info *out, const char **why);
