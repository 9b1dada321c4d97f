/* SPDX-License-Identifier: MIT */
/*
 * Nodes, from what the SRAT and the SLIT say: asm/numa.h.
 */
#include <asm/acpi.h>
#include <asm/numa.h>
#include <isola/frame_num.h>
#include <isola/memmap.h>
#include <isola/printk.h>

static_assert(NUMA_MAX_NODES == ACPI_MAX_NODES, "a distance for each");

unsigned numa_nr_nodes = 1;

static const struct acpi_numa *table;	/* NULL: one node, of everything */
static u32 proximity[NUMA_MAX_NODES];	/* firmware's names of them */

/* The node of that name, or NUMA_UNKNOWN. */
static u32 node_of(u32 name)
{
	for (u32 i = 0; i < numa_nr_nodes; i++)
		if (proximity[i] == name)
			return i;
	return NUMA_UNKNOWN;
}

/* Give it a number, if it has none. */
static bool add_node(u32 name)
{
	if (node_of(name) != NUMA_UNKNOWN)
		return true;
	if (numa_nr_nodes == NUMA_MAX_NODES)
		return false;
	proximity[numa_nr_nodes++] = name;
	return true;
}

static bool overlaps(const struct acpi_numa_memory *a, const struct acpi_numa_memory *b)
{
	return a != b && a->start < b->end && b->start < a->end;
}

static bool is_covered(const struct acpi_numa *acpi, u64 start, u64 end)
{
	for (unsigned tries = 0; tries <= acpi->nr_memory && start < end; tries++)
		for (unsigned i = 0; i < acpi->nr_memory; i++)
			if (acpi->memory[i].start <= start && acpi->memory[i].end > start)
				start = acpi->memory[i].end;
	return start >= end;
}

/* Why the SRAT is not used, or NULL. */
static const char *unusable(const struct acpi_numa *acpi)
{
	const struct boot_memmap *map = &boot_info.memmap;

	if (acpi->is_damaged)
		return "it is damaged";
	for (unsigned i = 0; i < acpi->nr_memory; i++)
		for (unsigned k = 0; k < acpi->nr_memory; k++)
			if (overlaps(&acpi->memory[i], &acpi->memory[k]))
				return "its memory overlaps";
	for (unsigned i = 0; i < map->nr; i++)
		if (map->range[i].type == BOOT_MEM_RAM && map->range[i].start >= MEMMAP_LOW_END &&
		    !is_covered(acpi, map->range[i].start, map->range[i].end))
			return "there is RAM that it does not name";
	for (unsigned i = 0; i < acpi->nr_memory; i++)
		if (!add_node(acpi->memory[i].proximity))
			return "it names too many nodes";
	for (unsigned i = 0; i < acpi->nr_cpus; i++)
		if (!add_node(acpi->cpu[i].proximity))
			return "it names too many nodes";
	return NULL;
}

void numa_init(const struct acpi_numa *acpi)
{
	const char *why;

	if (!acpi->nr_memory && !acpi->is_damaged)
		return;
	numa_nr_nodes = 0;
	why = unusable(acpi);
	if (why) {
		pr_warn("NUMA: the SRAT is left out: %s", why);
		numa_nr_nodes = 1;
		return;
	}
	table = acpi;
	for (unsigned i = 0; i < acpi->nr_memory; i++)
		pr_info("NUMA: node %u has memory %016lx-%016lx",
			node_of(acpi->memory[i].proximity), acpi->memory[i].start,
			acpi->memory[i].end - 1);
}

u32 numa_node_of_cpu(u32 apic_id)
{
	if (!table)
		return 0;
	for (unsigned i = 0; i < table->nr_cpus; i++)
		if (table->cpu[i].apic_id == apic_id)
			return node_of(table->cpu[i].proximity);
	return NUMA_UNKNOWN;
}

u64 numa_span_bytes(unsigned node)
{
	u64 start = ~0ul, end = 0, ram_end = boot_memmap_ram_end(&boot_info.memmap);

	if (!table)
		return ram_end;
	for (unsigned i = 0; i < table->nr_memory; i++) {
		if (node_of(table->memory[i].proximity) != node)
			continue;
		start = min(start, table->memory[i].start);
		end = max(end, table->memory[i].end);
	}
	end = min(end, ram_end);
	return end > start ? end - start : 0;
}

u32 numa_distance(unsigned from, unsigned to)
{
	u32 distance = from == to ? ACPI_NEAR : 2 * ACPI_NEAR;

	if (table && table->nr_distances) {
		if (max(proximity[from], proximity[to]) >= table->nr_distances)
			return NUMA_UNKNOWN;
		distance = table->distance[proximity[from]][proximity[to]];
	}
	return distance == ACPI_NO_WAY ? NUMA_UNKNOWN : distance;
}

u64 numa_frames_of(unsigned node, u64 first, u64 nr)
{
	u64 sum = 0;

	if (!table)
		return nr;
	for (unsigned i = 0; i < table->nr_memory; i++) {
		const struct acpi_numa_memory *m = &table->memory[i];
		u64 start = max(m->start >> PAGE_SHIFT, first);
		u64 end = min(m->end >> PAGE_SHIFT, first + nr);

		if (node_of(m->proximity) == node && start < end)
			sum += end - start;
	}
	return sum;
}
