/* SPDX-License-Identifier: MIT */
/*
 * EFI: the system table and where its configuration tables are.
 *
 * Invariant (BOOT-1): what is mapped is copied out at once, in the length it was mapped with.
 */
#include <asm/efi.h>

#include <isola/errno.h>
#include <isola/lib/string.h>

#define SYSTEM_TABLE_SIGNATURE 0x5453595320494249ul	/* "IBI SYST" */

#define RUNTIME_SIGNATURE 0x56524553544e5552ul		/* "RUNTSERV" */

/* What of it there is depends on the revision: header_size. */
struct runtime_table {
	u64 signature;
	u32 revision, header_size, crc32, reserved;
	u64 service[NR_EFI_SERVICES];
};

static_assert(sizeof(struct runtime_table) == 136, "UEFI 2.9, 4.5");

struct system_table {
	u64 signature;
	u32 revision, header_size, crc32, reserved;
	u64 vendor;			/* a string of 16-bit characters */
	u32 vendor_revision, padding;
	u64 console[6];			/* handles and protocols: of no use after boot services */
	u64 runtime_services, boot_services;
	u64 nr_config, config;
};

static_assert(sizeof(struct system_table) == 120, "UEFI 2.9, 4.3");

/* Character by character: nobody says how long it is, nor what lies behind it. */
static void read_vendor(u64 maddr, efi_map_fn *map, u16 *vendor)
{
	for (unsigned i = 0; maddr && i < EFI_VENDOR_CHARS - 1; i++, maddr += sizeof(*vendor)) {
		const void *at = map(maddr, sizeof(*vendor));

		if (!at)
			return;
		memcpy(&vendor[i], at, sizeof(*vendor));
		if (!vendor[i])
			return;
	}
}

static int read_table(u64 maddr, efi_map_fn *map, struct system_table *t, const char **why)
{
	const void *at = map(maddr, sizeof(*t));

	*why = "EFI: the system table cannot be read where the loader says it is";
	if (!at)
		return -EINVAL;
	memcpy(t, at, sizeof(*t));
	*why = "EFI: there is no system table where the loader says it is";
	if (t->signature != SYSTEM_TABLE_SIGNATURE || t->header_size < sizeof(*t))
		return -EINVAL;
	*why = "EFI: the system table has an impossible list of configuration tables";
	if (!t->nr_config || t->nr_config > EFI_MAX_CONFIG_TABLES || !t->config ||
	    !map(t->config, t->nr_config * EFI_CONFIG_TABLE_BYTES))
		return -EINVAL;
	return 0;
}

int efi_parse(u64 maddr, efi_map_fn *map, struct efi_info *out, const char **why)
{
	struct system_table t;

	memset(out, 0, sizeof(*out));
	if (read_table(maddr, map, &t, why))
		return -EINVAL;
	out->revision = t.revision;
	out->vendor_revision = t.vendor_revision;
	out->config_maddr = t.config;
	out->nr_config = (u32)t.nr_config;
	out->runtime_maddr = t.runtime_services;
	read_vendor(t.vendor, map, out->vendor);
	return 0;
}

int efi_parse_runtime(u64 maddr, efi_map_fn *map, struct efi_runtime *out, const char **why)
{
	const u32 least = offsetof(struct runtime_table, service[EFI_UPDATE_CAPSULE]);
	struct runtime_table t;
	const void *at;
	u32 have;

	memset(out, 0, sizeof(*out));
	*why = "EFI: the table of runtime services cannot be read";
	at = map(maddr, least);
	if (!maddr || !at)
		return -EINVAL;
	memset(&t, 0, sizeof(t));
	memcpy(&t, at, least);
	*why = "EFI: there is no table of runtime services where the system table has it";
	if (t.signature != RUNTIME_SIGNATURE || t.header_size < least || !t.revision)
		return -EINVAL;
	have = min(t.header_size, (u32)sizeof(t));
	*why = "EFI: the table of runtime services cannot be read to its end";
	at = map(maddr, have);
	if (!at)
		return -EINVAL;
	memcpy(&t, at, have);
	out->revision = t.revision;
	for (unsigned i = 0; i < (have - offsetof(struct runtime_table, service)) / 8; i++)
		out->service[i] = t.service[i];
	return 0;
}
