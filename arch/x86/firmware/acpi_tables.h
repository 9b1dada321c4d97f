/* SPDX-License-Identifier: MIT */
/*
 * One ACPI table at a time: mapped, its length found good, its fields read by offset.
 *
 * A field beyond the table's end reads as zero: that is what ACPI says of fields that an older
 * table lacks.
 */
#pragma once
#include <asm/acpi.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision, creator_id, creator_revision;
} __packed;

static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.4, table 5.4");

struct acpi_table {
	const u8 *base;			/* until the next mapping */
	u32 len;			/* header included */
};

/* A register's address as the tables write it (GAS). */
struct acpi_gas {
	u8 space, width, offset, access;
	u64 addr;
} __packed;

static inline void acpi_copy(const struct acpi_table *t, u32 offset, void *to, u32 len)
{
	memset(to, 0, len);
	if (offset < t->len && len <= t->len - offset)
		memcpy(to, t->base + offset, len);
}

#define ACPI_READER(type)							\
static inline type acpi_##type(const struct acpi_table *t, u32 offset)		\
{										\
	type v;									\
										\
	acpi_copy(t, offset, &v, sizeof(v));					\
	return v;								\
}
ACPI_READER(u8)
ACPI_READER(u16)
ACPI_READER(u32)
ACPI_READER(u64)
#undef ACPI_READER

/* Set *@why to a text with numbers in it, put together in @out. Evaluates to @rc. */
#define acpi_fail(rc, ...) \
	(snprintf(out->fault, sizeof(out->fault), __VA_ARGS__), *why = out->fault, (rc))

/*
 * Map the table at @maddr and check it. @signature NULL: any.
 *
 * Returns   0, or -EINVAL with @why. The table is valid until the next mapping.
 */
int __must_check acpi_map_table(u64 maddr, const char *signature, acpi_map_fn *map,
				struct acpi_table *t, struct acpi_info *out, const char **why);

/* What is damaged is left out, with a line. */
void acpi_read_madt(const struct acpi_table *t, struct acpi_info *out);

/* Read the FADT; the address of the DSDT goes to *@dsdt (0: none). */
void acpi_read_fadt(const struct acpi_table *t, struct acpi_info *out, u64 *dsdt);

void acpi_read_srat(const struct acpi_table *t, struct acpi_numa *numa);
void acpi_read_slit(const struct acpi_table *t, struct acpi_numa *numa);

/* Look for the \_S5 package in AML. */
void acpi_read_s5(const struct acpi_table *dsdt, struct acpi_info *out);
