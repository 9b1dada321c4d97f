/* SPDX-License-Identifier: MIT */
/*
 * ACPI: from the root pointer to the tables.
 *
 * Invariants (BOOT-1): no table is used beyond a length that it was mapped with; the list of tables
 * is copied before the first of them is mapped, for a mapping lives only until the next one. A
 * wrong checksum alone refuses nothing, for there is firmware that forgets it: the table's
 * structure decides, and what is left out is told.
 */
#include "acpi_tables.h"

#include <isola/errno.h>
#include <isola/printk.h>

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

/*
 * How good a root pointer is. The search goes on behind one with a wrong sum, as Linux's and Xen's
 * does, and comes back to it if there is no better one. In the BIOS areas a wrong first sum is no
 * pointer at all: eight letters alone may be anything.
 */
enum rsdp_grade { RSDP_NONE, RSDP_BAD_SUM, RSDP_BAD_TAIL, RSDP_GOOD };

/* @len readable bytes at @p. */
static enum rsdp_grade grade_rsdp(const void *p, size_t len)
{
	const struct rsdp *r = p;

	if (len < RSDP_V1_BYTES || memcmp(p, "RSD PTR ", 8))
		return RSDP_NONE;
	if (!sums_to_zero(p, RSDP_V1_BYTES))
		return RSDP_BAD_SUM;
	if (r->revision < 2 || len < RSDP_V2_BYTES || sums_to_zero(p, RSDP_V2_BYTES))
		return RSDP_GOOD;
	return RSDP_BAD_TAIL;
}

/* The best root pointer so far: a copy, @len bytes of it. */
struct rsdp_found {
	enum rsdp_grade grade;
	size_t len;
	struct rsdp rsdp;
};

static void report_rsdp(enum rsdp_grade grade, u64 maddr)
{
	if (grade == RSDP_NONE || grade == RSDP_GOOD)
		return;
	if (maddr)
		pr_warn("ACPI: the root pointer (RSDP) at 0x%lx has a wrong checksum: searching on",
			maddr);
	else
		pr_warn("ACPI: the loader's root pointer (RSDP) has a wrong checksum: "
			"searching on");
}

/* Keep what lies at @p if it is better than what there is. @maddr 0: the loader's copy. */
static void consider(struct rsdp_found *best, const void *p, size_t len, u64 maddr)
{
	enum rsdp_grade grade = grade_rsdp(p, len);

	report_rsdp(grade, maddr);
	if (grade <= best->grade || (grade == RSDP_BAD_SUM && maddr))
		return;
	best->grade = grade;
	best->len = min(len, sizeof(best->rsdp));
	memset(&best->rsdp, 0, sizeof(best->rsdp));
	memcpy(&best->rsdp, p, best->len);
}

static void search_area(u64 maddr, size_t len, acpi_map_fn *map, struct rsdp_found *best)
{
	const u8 *area = map(maddr, len);

	/* An area that ends with a version 1 pointer may not be readable for 36 bytes. */
	for (size_t i = 0; area && i < len && best->grade < RSDP_GOOD; i += 16)
		consider(best, area + i, len - i, maddr + i);
}

/* ACPI 6.4, 5.2.5.1: the first KiB of the EBDA, then the BIOS ROM, on 16-byte boundaries. */
static void search_rsdp(acpi_map_fn *map, struct rsdp_found *best)
{
	const u8 *bda = map(0x40e, 2);
	u64 ebda = bda ? (u64)(bda[0] | bda[1] << 8) << 4 : 0;

	if (ebda >= KIB(512) && ebda <= KIB(640) - KIB(1))
		search_area(ebda, KIB(1), map, best);
	search_area(0xe0000, KIB(128), map, best);
}

static int read_rsdp(const void *copy, size_t len, acpi_map_fn *map, struct rsdp *r,
		     struct acpi_info *out, const char **why)
{
	struct rsdp_found best = { .grade = RSDP_NONE };

	if (copy) {
		consider(&best, copy, len, 0);
		if (best.grade == RSDP_NONE)
			return acpi_fail(-EINVAL, "ACPI: the root pointer (RSDP) is damaged");
	}
	if (best.grade < RSDP_GOOD)
		search_rsdp(map, &best);
	if (best.grade == RSDP_NONE)
		return acpi_fail(-ENOENT, "ACPI: there is no root pointer (RSDP)");
	if (best.grade < RSDP_GOOD)
		pr_warn("ACPI: the root pointer (RSDP) with a wrong checksum is the only one: "
			"it is used");
	*r = best.rsdp;
	/* A loader that copied 20 bytes of a longer pointer leaves the RSDT to go by. */
	if (r->revision < 2 || best.len < RSDP_V2_BYTES)
		r->xsdt = 0;
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
		pr_warn("ACPI: table %s at 0x%lx has a wrong checksum: it is used all the same",
			name, maddr);
	return 0;
}

/* Copy the root table's list. Returns how many tables there are, or an error. */
static int list_tables(const struct rsdp *r, acpi_map_fn *map, u64 *tables, struct acpi_info *out,
		       const char **why)
{
	bool wide = r->xsdt != 0;
	struct acpi_table root;
	u32 entry_bytes, nr;
	int rc = -EINVAL;

	if (wide)
		rc = acpi_map_table(r->xsdt, "XSDT", map, &root, out, why);
	if (rc && wide && r->rsdt)
		pr_warn("%s: the RSDT is used instead", *why);
	if (rc && (!wide || r->rsdt)) {
		wide = false;
		rc = acpi_map_table(r->rsdt, "RSDT", map, &root, out, why);
	}
	if (rc)
		return rc;
	entry_bytes = wide ? 8 : 4;
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

/* One that cannot even be looked at has no name to be missed by. */
static void report_unreachable(const u64 *tables, int nr, acpi_map_fn *map)
{
	for (int i = 0; i < nr; i++)
		if (tables[i] && !map(tables[i], sizeof(struct acpi_header)))
			pr_warn("ACPI: the table at 0x%lx is out of reach: left out", tables[i]);
}

/*
 * A table that we can live without: if it is not there, or damaged, its members stay empty, and a
 * line says so. @loss: what goes with it.
 */
static bool map_optional(u64 maddr, const char *signature, const char *loss, acpi_map_fn *map,
			 struct acpi_table *t, struct acpi_info *out)
{
	const char *why;

	if (!maddr)
		pr_warn("ACPI: there is no table %s: %s", signature, loss);
	else if (!acpi_map_table(maddr, signature, map, t, out, &why))
		return true;
	else
		pr_warn("%s: left out, so %s", why, loss);
	return false;
}

static void read_hpet(const struct acpi_table *t, struct acpi_info *out)
{
	struct acpi_gas base;

	acpi_copy(t, 40, &base, sizeof(base));
	if (base.space == 0)
		out->hpet_maddr = base.addr;
	else
		pr_warn("ACPI: the HPET lies in address space %u, not in memory: left out",
			base.space);
}

#define MCFG_FIRST	44
#define MCFG_BYTES	16

static void read_mcfg(const struct acpi_table *t, struct acpi_info *out)
{
	for (u32 at = MCFG_FIRST; at <= t->len && t->len - at >= MCFG_BYTES; at += MCFG_BYTES) {
		struct acpi_mmcfg m = { acpi_u64(t, at), acpi_u16(t, at + 8), acpi_u8(t, at + 10),
					acpi_u8(t, at + 11) };

		if (m.first_bus > m.last_bus || m.maddr % MIB(1))
			pr_warn("ACPI: the MCFG names buses %02x to %02x at 0x%lx: left out",
				m.first_bus, m.last_bus, m.maddr);
		else if (out->nr_mmcfgs == ACPI_MAX_MMCFGS)
			out->nr_dropped++;
		else
			out->mmcfg[out->nr_mmcfgs++] = m;
	}
}

/* What we can live without. */
static void read_optional(const u64 *tables, int nr, acpi_map_fn *map, struct acpi_info *out)
{
	u64 hpet = find_table(tables, nr, "HPET", map), dsdt = 0;
	u64 mcfg = find_table(tables, nr, "MCFG", map);
	u64 srat = find_table(tables, nr, "SRAT", map);
	u64 slit = find_table(tables, nr, "SLIT", map);
	struct acpi_table t;

	if (map_optional(find_table(tables, nr, "FACP", map), "FACP",
			 "no PM timer, no ACPI reset, no switching off", map, &t, out))
		acpi_read_fadt(&t, out, &dsdt);
	if (out->has_fadt &&
	    map_optional(dsdt, "DSDT", "how to switch off only dom0 can say", map, &t, out))
		acpi_read_s5(&t, out);
	if (hpet && map_optional(hpet, "HPET", "no HPET", map, &t, out))
		read_hpet(&t, out);
	if (mcfg && map_optional(mcfg, "MCFG", "no PCI configuration in memory", map, &t, out))
		read_mcfg(&t, out);
	if (srat && map_optional(srat, "SRAT", "all memory is one node", map, &t, out))
		acpi_read_srat(&t, &out->numa);
	if (slit && map_optional(slit, "SLIT", "nodes have no distances", map, &t, out))
		acpi_read_slit(&t, &out->numa);
}

#define LAPIC_RESET_MADDR 0xfee00000ul	/* SDM vol. 3, 11.4.1 */

/* Without them there is the boot CPU, and messages of devices. */
static void read_controllers(u64 madt, acpi_map_fn *map, struct acpi_info *out)
{
	struct acpi_table t;

	if (map_optional(madt, "APIC", "one CPU, and no lines of devices", map, &t, out))
		acpi_read_madt(&t, out);
	if (out->lapic_maddr)
		return;
	out->lapic_maddr = LAPIC_RESET_MADDR;
	pr_warn("ACPI: nothing gives an address for the local APICs: 0x%lx is taken",
		LAPIC_RESET_MADDR);
}

int acpi_parse(const void *rsdp, size_t rsdp_len, acpi_map_fn *map, struct acpi_info *out,
	       const char **why)
{
	u64 tables[MAX_TABLES];
	struct rsdp r;
	int nr, rc;

	memset(out, 0, sizeof(*out));
	rc = read_rsdp(rsdp, rsdp_len, map, &r, out, why);
	if (rc)
		return rc;
	nr = list_tables(&r, map, tables, out, why);
	if (nr < 0)
		return nr;

	report_unreachable(tables, nr, map);
	read_optional(tables, nr, map, out);
	read_controllers(find_table(tables, nr, "APIC", map), map, out);
	if (out->nr_dropped)
		pr_warn("ACPI: there is no room for %u of the tables' entries: left out",
			out->nr_dropped);
	return 0;
}
