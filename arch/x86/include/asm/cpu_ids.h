/* SPDX-License-Identifier: MIT */
/*
 * How the firmware names the CPUs.
 */
#pragma once

#include <isola/types.h>

struct acpi_info;

/* Copied from the ACPI tables. Boot, before any domain runs. */
void cpu_ids_init(const struct acpi_info *info);

/* The MADT's processor id of the CPU with @apic_id; ~0: it names none. */
u32 cpu_acpi_id(u32 apic_id);
