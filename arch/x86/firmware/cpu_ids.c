/* SPDX-License-Identifier: MIT */
/*
 * The MADT's processor ids, kept for whoever asks after boot.
 */
#include <asm/acpi.h>
#include <asm/cpu_ids.h>

static unsigned int nr_cpu_ids;
static struct { u32 apic_id, acpi_id; } cpu_ids[ACPI_MAX_CPUS];

void cpu_ids_init(const struct acpi_info *info)
{
	nr_cpu_ids = info->nr_cpus;
	for (unsigned int i = 0; i < info->nr_cpus; i++) {
		cpu_ids[i].apic_id = info->cpu[i].apic_id;
		cpu_ids[i].acpi_id = info->cpu[i].acpi_id;
	}
}

u32 cpu_acpi_id(u32 apic_id)
{
	for (unsigned int i = 0; i < nr_cpu_ids; i++)
		if (cpu_ids[i].apic_id == apic_id)
			return cpu_ids[i].acpi_id;
	return ~0u;
}
