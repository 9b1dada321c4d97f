/* SPDX-License-Identifier: MIT */
/*
 * Nodes: memory and the CPUs that are near to it, numbered as firmware's tables name them first.
 * There is at least one. Told to tools; nothing is placed by them. Constant after numa_init().
 */
#pragma once

#include <isola/types.h>

struct acpi_numa;

#define NUMA_MAX_NODES		16
#define NUMA_UNKNOWN		(~0u)

extern unsigned numa_nr_nodes;

/*
 * Boot, once the memory map is known and before the allocator opens. What does not cover all RAM,
 * or contradicts itself, is left out with a line: one node then.
 */
void numa_init(const struct acpi_numa *acpi);

/* The node of the CPU with @apic_id; NUMA_UNKNOWN: no table says. */
u32 numa_node_of_cpu(u32 apic_id);
/* From its first byte to its last of RAM, holes and others' included. */
u64 numa_span_bytes(unsigned node);
/* ACPI's distance, 10 to itself; NUMA_UNKNOWN: there is no way. */
u32 numa_distance(unsigned from, unsigned to);

/* How many of the @nr frames from @first on are @node's. */
u64 numa_frames_of(unsigned node, u64 first, u64 nr);
