/* SPDX-License-Identifier: MIT */
/*
 * SRAT and SLIT: which CPUs and memory are near to each other, and how far the rest is.
 *
 * Source: ACPI 6.4, 5.2.16 (SRAT), 5.2.17 (SLIT). A proximity domain is firmware's name of a node.
 */
#include "acpi_tables.h"

#include <isola/printk.h>

#define SRAT_FIRST_ENTRY	48
#define SRAT_ENABLED		BIT(0)
#define SLIT_FIRST		44

enum srat_type { SRAT_LAPIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

static void add_cpu(struct acpi_numa *n, u32 apic_id, u32 proximity)
{
	if (n->nr_cpus < ACPI_MAX_CPUS)
		n->cpu[n->nr_cpus++] = (struct acpi_numa_cpu){ apic_id, proximity };
}

/* Bits 31:8 of the domain stand apart, and are zero before revision 2. */
static void read_lapic(const struct acpi_table *e, u8 revision, struct acpi_numa *n)
{
	u32 high = revision >= 2 ? acpi_u8(e, 9) | acpi_u8(e, 10) << 8 |
					   (u32)acpi_u8(e, 11) << 16 : 0;

	if (acpi_u32(e, 4) & SRAT_ENABLED)
		add_cpu(n, acpi_u8(e, 3), acpi_u8(e, 2) | high << 8);
}

static void read_x2apic(const struct acpi_table *e, u8 revision __maybe_unused,
			struct acpi_numa *n)
{
	if (acpi_u32(e, 12) & SRAT_ENABLED)
		add_cpu(n, acpi_u32(e, 8), acpi_u32(e, 4));
}

static void read_memory(const struct acpi_table *e, u8 revision, struct acpi_numa *n)
{
	u64 start = acpi_u64(e, 8), bytes = acpi_u64(e, 16);
	u32 proximity = acpi_u32(e, 2);

	if (!(acpi_u32(e, 28) & SRAT_ENABLED) || !bytes)
		return;
	if (n->nr_memory == ACPI_MAX_NUMA_MEMORY || bytes > ~0ul - start) {
		n->is_damaged = true;
		return;
	}
	n->memory[n->nr_memory++] = (struct acpi_numa_memory){
		start, start + bytes, revision >= 2 ? proximity : (u8)proximity,
	};
}

static const struct {
	u8 len;				/* the least that holds every field we read */
	void (*read)(const struct acpi_table *e, u8 revision, struct acpi_numa *n);
} entries[] = {
	[SRAT_LAPIC] = { 16, read_lapic },
	[SRAT_MEMORY] = { 40, read_memory },
	[SRAT_X2APIC] = { 24, read_x2apic },
};

void acpi_read_srat(const struct acpi_table *t, struct acpi_numa *n)
{
	u32 pos = SRAT_FIRST_ENTRY;

	while (pos <= t->len && t->len - pos >= 2 && !n->is_damaged) {
		struct acpi_table e = { .base = t->base + pos, .len = acpi_u8(t, pos + 1) };
		u8 type = acpi_u8(t, pos);
		bool is_known = type < ARRAY_SIZE(entries);

		if (e.len < 2 || e.len > t->len - pos || (is_known && e.len < entries[type].len)) {
			pr_warn("ACPI: the SRAT's entry at offset %u has an impossible length (%u)",
				pos, e.len);
			n->is_damaged = true;
		} else if (is_known) {
			entries[type].read(&e, acpi_u8(t, 8), n);
		}
		pos += e.len;
	}
}

/* A row for each domain; to itself it is 10, to others more. */
void acpi_read_slit(const struct acpi_table *t, struct acpi_numa *n)
{
	u64 nr = acpi_u64(t, 36);
	bool good = nr && nr <= ACPI_MAX_NODES && t->len >= SLIT_FIRST + nr * nr;

	for (u32 i = 0; good && i < nr * nr; i++) {
		u8 distance = acpi_u8(t, SLIT_FIRST + i);

		good = i / nr == i % nr ? distance == ACPI_NEAR : distance > ACPI_NEAR;
		n->distance[i / nr][i % nr] = distance;
	}
	if (good)
		n->nr_distances = nr;
	else
		pr_warn("ACPI: the SLIT's distances of %lu nodes make no sense: left out", nr);
}
