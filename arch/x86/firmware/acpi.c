/* SPDX-License-Identifier: MIT */
/*
 * ACPI: from the root pointer to the tables.
 *
 * Invariants (BOOT-1): no table is used beyond a length that it was mapped with and summed over;
 * the list of tables is copied before the first of them is mapped, for a mapping lives only until
 * the next one.
 */
#include "acpi_tables.h"

#include <isola/errno.h>

#define RSDP_V1_BYTES	20
#define RSDP_V2_BYTES	36
#define MAX_TABLE_BYTES	MIB(16)
#define MAX_TABLES	128

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;			/* from here on: revision 2 */
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

static_assert(sizeof(struct rsdp) == RSDP_V2_BYTES, "ACPI 6.4, table 5.3");

static bool sums_to_zero(const void *base, size_t len)
{
	const u8 *p = base;
	u8 sum = 0;

	while (len--)
		sum = (u8)(sum + *p++);
	return !sum;
}

/* ---- The root pointer. ----------------------------------------------------------------------- */

static bool is_rsdp(const void *p)
{
	return !memcmp(p, "RSD PTR ", 8) && sums_to_zero(p, RSDP_V1_BYTES);
}

static u64 search_area(u64 maddr, size_t len, acpi_map_fn *map)
{
	const u8 *area = map(maddr, len);

	for (size_t i = 0; area && i + RSDP_V1_BYTES <= len; i += 16)
		if (is_rsdp(area + i))
			return maddr + i;
	return 0;
}

/* ACPI 6.4, 5.2.5.1: the first KiB of the EBDA, then the BIOS ROM, on 16-byte boundaries. */
static u64 search_rsdp(acpi_map_fn *map)
{
	const u8 *bda = map(0x40e, 2);
	u64 ebda = bda ? (u64)(bda[0] | bda[1] << 8) << 4 : 0, found = 0;

	if (ebda >= KIB(512) && ebda <= KIB(640) - KIB(1))
		found = search_area(ebda, KIB(1), map);
	return found ? found : search_area(0xe0000, KIB(128), map);
}

static int read_rsdp(const void *copy, size_t len, acpi_map_fn *map, struct rsdp *r,
		     struct acpi_info *out, const char **why)
{
	if (!copy) {
		u64 maddr = search_rsdp(map);

		/* An area that ends with a version 1 pointer may not be readable for 36 bytes. */
		len = RSDP_V2_BYTES;
		copy = maddr ? map(maddr, len) : NULL;
		if (!copy && maddr) {
			len = RSDP_V1_BYTES;
			copy = map(maddr, len);
		}
		if (!copy) {
			*why = "ACPI: there is no root pointer (RSDP)";
			return -ENOENT;
		}
	}
	if (len < RSDP_V1_BYTES || !is_rsdp(copy)) {
		*why = "ACPI: the root pointer (RSDP) is damaged";
		return -EINVAL;
	}
	memset(r, 0, sizeof(*r));
	memcpy(r, copy, min(len, sizeof(*r)));
	/* A loader that copied 20 bytes of a longer pointer leaves the RSDT to go by. */
	if (r->revision < 2 || len < RSDP_V2_BYTES)
		r->xsdt = 0;
	else if (!sums_to_zero(r, sizeof(*r)))
		return acpi_fail(-EINVAL,
				 "ACPI: the root pointer's (RSDP's) second half is damaged");
	out->revision = r->revision;
	memcpy(out->oem, r->oem_id, sizeof(r->oem_id));
	return 0;
}

/* ---- Tables. --------------------------------------------------------------------------------- */

int acpi_map_table(u64 maddr, const char *signature, acpi_map_fn *map, struct acpi_table *t,
		   struct acpi_info *out, const char **why)
{
	const struct acpi_header *h = map(maddr, sizeof(*h));
	char name[5] = "????";

	if (!h)
		return acpi_fail(-EINVAL, "ACPI: the table at 0x%lx is out of reach", maddr);
	for (int i = 0; i < 4; i++)
		name[i] = h->signature[i] < ' ' || h->signature[i] > '~' ? '?' : h->signature[i];
	if (signature && memcmp(h->signature, signature, 4))
		return acpi_fail(-EINVAL, "ACPI: the table at 0x%lx is a %s, not a %s", maddr, name,
				 signature);

	t->len = h->length;
	if (t->len < sizeof(*h) || t->len > MAX_TABLE_BYTES)
		return acpi_fail(-EINVAL, "ACPI: table %s has an impossible length (%u bytes)",
				 name, t->len);
	t->base = map(maddr, t->len);
	if (!t->base)
		return acpi_fail(-EINVAL, "ACPI: table %s (%u bytes at 0x%lx) is out of reach",
				 name, t->len, maddr);
	if (!sums_to_zero(t->base, t->len))
		return acpi_fail(-EINVAL, "ACPI: table %s has a wrong checksum", name);
	return 0;
}

/* Copy the root table's list. Returns how many tables there are, or an error. */
static int list_tables(const struct rsdp *r, acpi_map_fn *map, u64 *tables, struct acpi_info *out,
		       const char **why)
{
	bool wide = r->xsdt != 0;
	u32 entry_bytes = wide ? 8 : 4, nr;
	struct acpi_table root;
	int rc;

	rc = acpi_map_table(wide ? r->xsdt : r->rsdt, wide ? "XSDT" : "RSDT", map, &root, out, why);
	if (rc)
		return rc;
	nr = (root.len - (u32)sizeof(struct acpi_header)) / entry_bytes;
	if (nr > MAX_TABLES) {
		out->nr_dropped += nr - MAX_TABLES;
		nr = MAX_TABLES;
	}
	for (u32 i = 0; i < nr; i++) {
		u32 offset = (u32)sizeof(struct acpi_header) + i * entry_bytes;

		tables[i] = wide ? acpi_u64(&root, offset) : acpi_u32(&root, offset);
	}
	return (int)nr;
}

static u64 find_table(const u64 *tables, int nr, const char *signature, acpi_map_fn *map)
{
	for (int i = 0; i < nr; i++) {
		const struct acpi_header *h = tables[i] ? map(tables[i], sizeof(*h)) : NULL;

		if (h && !memcmp(h->signature, signature, 4))
			return tables[i];
	}
	return 0;
}

/* A damaged table that we can live without leaves its members empty. */
static bool map_optional(const u64 *tables, int nr, const char *signature, acpi_map_fn *map,
			 struct acpi_table *t, struct acpi_info *out)
{
	u64 maddr = find_table(tables, nr, signature, map);
	const char *ignored;

	return maddr && !acpi_map_table(maddr, signature, map, t, out, &ignored);
}

static void read_hpet(const struct acpi_table *t, struct acpi_info *out)
{
	struct acpi_gas base;

	acpi_copy(t, 40, &base, sizeof(base));
	if (base.space == 0)
		out->hpet_maddr = base.addr;
}

int acpi_parse(const void *rsdp, size_t rsdp_len, acpi_map_fn *map, struct acpi_info *out,
	       const char **why)
{
	u64 tables[MAX_TABLES], madt, dsdt = 0;
	struct acpi_table t;
	const char *ignored;
	struct rsdp r;
	int nr, rc;

	memset(out, 0, sizeof(*out));
	rc = read_rsdp(rsdp, rsdp_len, map, &r, out, why);
	if (rc)
		return rc;
	nr = list_tables(&r, map, tables, out, why);
	if (nr < 0)
		return nr;

	if (map_optional(tables, nr, "FACP", map, &t, out))
		acpi_read_fadt(&t, out, &dsdt);
	if (dsdt && !acpi_map_table(dsdt, "DSDT", map, &t, out, &ignored))
		acpi_read_s5(&t, out);
	if (map_optional(tables, nr, "HPET", map, &t, out))
		read_hpet(&t, out);

	madt = find_table(tables, nr, "APIC", map);
	if (!madt) {
		*why = "ACPI: there is no table of interrupt controllers (MADT)";
		return -EINVAL;
	}
	rc = acpi_map_table(madt, "APIC", map, &t, out, why);
	return rc ? rc : acpi_read_madt(&t, out, why);
}
