/* SPDX-License-Identifier: MIT */
/*
 * acpi_test.c's part about SRAT and SLIT: which CPUs and memory are near to each other.
 */
#pragma once
#include "acpi_build.h"

/* A machine whose SRAT has an entry of each kind, and one that nobody knows; and a SLIT. */
static void build_nodes(u8 revision)
{
	build();
	set64(XSDT + 60, SRAT);
	set64(XSDT + 68, SLIT);
	seal(XSDT, 76);
	table(SRAT, "SRAT", 48 + 16 + 40 + 24 + 8);
	set8(SRAT + 8, revision);
	set16(SRAT + 48, 0 | 16 << 8);		/* a local APIC: domain 0x02000001, id 5 */
	set8(SRAT + 50, 1);
	set8(SRAT + 51, 5);
	set32(SRAT + 52, 1);
	set8(SRAT + 59, 2);
	set16(SRAT + 64, 1 | 40 << 8);		/* memory: domain 0x101 */
	set32(SRAT + 66, 0x101);
	set64(SRAT + 72, 0x100000);
	set64(SRAT + 80, 0x200000);
	set32(SRAT + 92, 1);
	set16(SRAT + 104, 2 | 24 << 8);		/* an x2APIC: domain 3, id 300 */
	set32(SRAT + 108, 3);
	set32(SRAT + 112, 300);
	set32(SRAT + 116, 1);
	set16(SRAT + 128, 9 | 8 << 8);
	seal(SRAT, 0);
	table(SLIT, "SLIT", 44 + 4);
	set64(SLIT + 36, 2);
	set32(SLIT + 44, 10 | 20 << 8 | 0xffu << 16 | 10u << 24);
	seal(SLIT, 0);
}

static void test_nodes(void)
{
	const struct acpi_numa *n = &info.numa;

	build_nodes(3);
	ok(!parse_search() && n->nr_cpus == 2 && n->cpu[0].apic_id == 5 &&
		   n->cpu[0].proximity == 0x02000001 && n->cpu[1].apic_id == 300 &&
		   n->cpu[1].proximity == 3, "the SRAT's CPUs");
	ok(n->nr_memory == 1 && n->memory[0].start == 0x100000 && n->memory[0].end == 0x300000 &&
		   n->memory[0].proximity == 0x101 && !n->is_damaged, "its memory");
	ok(n->nr_distances == 2 && n->distance[0][1] == 20 && n->distance[1][0] == 255,
	   "the SLIT's distances");
	build_nodes(1);
	ok(!parse_search() && n->cpu[0].proximity == 1 && n->memory[0].proximity == 1,
	   "an old table's domains have eight bits");
	set32(SRAT + 52, 0);
	set32(SRAT + 92, 0);
	set32(SRAT + 116, 0);
	seal(SRAT, 0);
	ok(!parse_search() && !n->nr_cpus && !n->nr_memory, "what is not enabled is not there");
}

static void test_bad_nodes(void)
{
	const struct acpi_numa *n = &info.numa;
	static const struct { u32 at; u8 value; const char *claim; } slits[] = {
		{ SLIT + 36, 3, "a SLIT that is too short for its nodes" },
		{ SLIT + 36, 0, "one of no nodes" },
		{ SLIT + 37, 1, "one of more than we have room for" },
		{ SLIT + 44, 11, "one where a node is not nearest to itself" },
		{ SLIT + 45, 10, "or as near to another" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(slits); i++) {
		build_nodes(3);
		set8(slits[i].at, slits[i].value);
		seal(SLIT, 0);
		ok(!parse_search() && !n->nr_distances && strstr(log_text, "make no sense"), "%s",
		   slits[i].claim);
	}
	build_nodes(3);
	table(SLIT, "SLIT", 44 + 17 * 17);
	set64(SLIT + 36, 17);
	for (u64 i = 0; i < 17 * 17; i++)
		set8(SLIT + 44 + i, i / 17 == i % 17 ? 10 : 20);
	seal(SLIT, 0);
	ok(!parse_search() && !n->nr_distances && strstr(log_text, "of 17 nodes make no sense"),
	   "one of seventeen, sound but for that");
	build_nodes(3);
	set8(SRAT + 65, 39);
	seal(SRAT, 0);
	ok(!parse_search() && n->is_damaged &&
		   strstr(log_text, "the SRAT's entry at offset 64 has an impossible length (39)"),
	   "an entry that is too short");
	build_nodes(3);
	set8(SRAT + 129, 9);
	seal(SRAT, 0);
	ok(!parse_search() && n->is_damaged, "and one that runs past the end");
	build_nodes(3);
	set64(SRAT + 80, ~0ul);
	seal(SRAT, 0);
	ok(!parse_search() && n->is_damaged, "memory that ends beyond all addresses");
	build_nodes(3);
	table(SRAT, "SRAT", 48 + 40 * (ACPI_MAX_NUMA_MEMORY + 1));
	for (u64 at = SRAT + 48, i = 0; i <= ACPI_MAX_NUMA_MEMORY; i++, at += 40) {
		set16(at, 1 | 40 << 8);
		set64(at + 8, i << 30);
		set64(at + 16, 1 << 30);
		set32(at + 28, 1);
	}
	seal(SRAT, 0);
	ok(!parse_search() && n->is_damaged && n->nr_memory == ACPI_MAX_NUMA_MEMORY,
	   "more memory than there is room for is not taken for all");
	build_nodes(3);
	set32(SRAT + 4, 40);
	seal(SRAT, 0);
	ok(!parse_search() && !n->nr_memory && !n->is_damaged, "a SRAT without entries");
}
