/* SPDX-License-Identifier: MIT */
/*
 * The MADT: CPUs, I/O APICs, and how interrupt lines reach them.
 *
 * Source: ACPI 6.4, 5.2.12. Entries of types that we do not know are skipped by their length.
 */
#include "acpi_tables.h"

#include <isola/printk.h>

#define MADT_FIRST_ENTRY	44
#define MADT_PCAT_COMPAT	BIT(0)
#define CPU_ENABLED		BIT(0)

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};

/*
 * One CPU may be named twice, as a local APIC and as an x2APIC; the first one counts. When room is
 * short, enabled CPUs push out disabled ones.
 */
static void add_cpu(struct acpi_info *out, u32 apic_id, u32 acpi_id, bool enabled)
{
	unsigned int place = out->nr_cpus;

	for (unsigned int i = 0; i < out->nr_cpus; i++) {
		if (out->cpu[i].apic_id == apic_id && (out->cpu[i].enabled || !enabled))
			return;
		if (!out->cpu[i].enabled &&
		    (out->cpu[i].apic_id == apic_id || out->nr_cpus == ACPI_MAX_CPUS))
			place = i;
	}
	if (place == ACPI_MAX_CPUS || (place < out->nr_cpus && !enabled)) {
		out->nr_dropped++;
		return;
	}
	out->cpu[place] =
		(struct acpi_cpu){ .apic_id = apic_id, .acpi_id = acpi_id, .enabled = enabled };
	if (place == out->nr_cpus)
		out->nr_cpus++;
	else if (out->nr_cpus == ACPI_MAX_CPUS)
		out->nr_dropped++;
}

/*
 * The broadcast address, @everybody, is nobody's id but firmware's mark for a socket that does not
 * exist. An id too wide for the access that is chosen later is smp.c's to leave out.
 */
static void add_named(struct acpi_info *out, u32 apic_id, u32 acpi_id, bool enabled, u32 everybody)
{
	if (apic_id != everybody)
		add_cpu(out, apic_id, acpi_id, enabled);
	else if (enabled)
		pr_warn("ACPI: the CPU with ACPI id %u is enabled, and has the broadcast address "
			"for its APIC id: left out", acpi_id);
}

static void add_lapic(const struct acpi_table *e, struct acpi_info *out)
{
	add_named(out, acpi_u8(e, 3), acpi_u8(e, 2), acpi_u32(e, 4) & CPU_ENABLED, 0xff);
}

static void add_x2apic(const struct acpi_table *e, struct acpi_info *out)
{
	add_named(out, acpi_u32(e, 4), acpi_u32(e, 12), acpi_u32(e, 8) & CPU_ENABLED, ~0u);
}

static void add_ioapic(const struct acpi_table *e, struct acpi_info *out)
{
	if (out->nr_ioapics == ACPI_MAX_IOAPICS) {
		out->nr_dropped++;
		return;
	}
	out->ioapic[out->nr_ioapics++] = (struct acpi_ioapic){
		.id = acpi_u8(e, 2), .maddr = acpi_u32(e, 4), .gsi_base = acpi_u32(e, 8),
	};
}

static void add_override(const struct acpi_table *e, struct acpi_info *out)
{
	if (out->nr_overrides == ACPI_MAX_OVERRIDES) {
		out->nr_dropped++;
		return;
	}
	out->override[out->nr_overrides++] = (struct acpi_override){
		.irq = acpi_u8(e, 3), .gsi = acpi_u32(e, 4), .flags = acpi_u16(e, 8),
	};
}

static void add_nmi(struct acpi_info *out, u32 acpi_id, u16 flags, u8 lint)
{
	if (out->nr_nmis == ACPI_MAX_NMIS) {
		out->nr_dropped++;
		return;
	}
	out->nmi[out->nr_nmis++] =
		(struct acpi_nmi){ .acpi_id = acpi_id, .flags = flags, .lint = lint };
}

static void add_lapic_nmi(const struct acpi_table *e, struct acpi_info *out)
{
	add_nmi(out, acpi_u8(e, 2) == 0xff ? 0xffffffff : acpi_u8(e, 2), acpi_u16(e, 3),
		acpi_u8(e, 5));
}

static void add_x2apic_nmi(const struct acpi_table *e, struct acpi_info *out)
{
	add_nmi(out, acpi_u32(e, 4), acpi_u16(e, 2), acpi_u8(e, 8));
}

static void set_lapic_address(const struct acpi_table *e, struct acpi_info *out)
{
	out->lapic_maddr = acpi_u64(e, 4);
}

static const struct {
	u8 type;
	u8 len;				/* the least that holds every field we read */
	void (*add)(const struct acpi_table *entry, struct acpi_info *out);
} entries[] = {
	{ MADT_LAPIC, 8, add_lapic },
	{ MADT_IOAPIC, 12, add_ioapic },
	{ MADT_OVERRIDE, 10, add_override },
	{ MADT_LAPIC_NMI, 6, add_lapic_nmi },
	{ MADT_LAPIC_ADDRESS, 12, set_lapic_address },
	{ MADT_X2APIC, 16, add_x2apic },
	{ MADT_X2APIC_NMI, 12, add_x2apic_nmi },
};

static void read_entry(const struct acpi_table *e, u32 offset, struct acpi_info *out)
{
	u8 type = acpi_u8(e, 0);

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		if (entries[i].type != type)
			continue;
		if (e->len < entries[i].len)
			pr_warn("ACPI: MADT entry of type %u at offset %u is %u bytes, not %u: "
				"left out", type, offset, e->len, entries[i].len);
		else
			entries[i].add(e, out);
	}
}

void acpi_read_madt(const struct acpi_table *t, struct acpi_info *out)
{
	u32 pos = MADT_FIRST_ENTRY;

	if (t->len < MADT_FIRST_ENTRY) {
		pr_warn("ACPI: the MADT is only %u bytes long: left out", t->len);
		return;
	}
	out->lapic_maddr = acpi_u32(t, 36);
	out->has_8259 = acpi_u32(t, 40) & MADT_PCAT_COMPAT;

	/* A tail too short for an entry's header is padding. */
	while (t->len - pos >= 2) {
		struct acpi_table e = { .base = t->base + pos, .len = acpi_u8(t, pos + 1) };

		if (e.len < 2 || e.len > t->len - pos) {
			pr_warn("ACPI: MADT entry at offset %u has an impossible length (%u): "
				"it and all behind it are left out", pos, e.len);
			return;
		}
		read_entry(&e, pos, out);
		pos += e.len;
	}
}
