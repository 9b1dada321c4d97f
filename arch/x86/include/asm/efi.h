/* SPDX-License-Identifier: MIT */
/*
 * EFI: what the firmware's system table says, read once at boot.
 *
 * Read where it lies, through a mapping function; the result holds no pointers. Source: UEFI
 * Specification 2.9, 4.2 (table header), 4.3 (system table), 4.5 (runtime services), 4.6
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
	u64 runtime_maddr;		/* the table of runtime services */
};

/* The runtime services, in the order of their table (UEFI Specification 2.9, 4.5). */
enum efi_service {
	EFI_GET_TIME, EFI_SET_TIME, EFI_GET_WAKEUP_TIME, EFI_SET_WAKEUP_TIME,
	EFI_SET_VIRTUAL_ADDRESS_MAP, EFI_CONVERT_POINTER,
	EFI_GET_VARIABLE, EFI_GET_NEXT_VARIABLE_NAME, EFI_SET_VARIABLE,
	EFI_GET_NEXT_HIGH_MONOTONIC_COUNT, EFI_RESET_SYSTEM,
	EFI_UPDATE_CAPSULE, EFI_QUERY_CAPSULE_CAPABILITIES, EFI_QUERY_VARIABLE_INFO,
	NR_EFI_SERVICES
};

struct efi_runtime {
	u32 revision;			/* 0: there are none */
	u64 service[NR_EFI_SERVICES];	/* addresses of functions; 0: none */
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

/* The same for the table of runtime services at @maddr. */
int __must_check efi_parse_runtime(u64 maddr, efi_map_fn *map, struct efi_runtime *out,
				   const char **why);
