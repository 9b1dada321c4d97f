/* SPDX-License-Identifier: MIT */
/*
 * What dom0's platform calls need to know of the machine.
 */
#pragma once

#include <isola/types.h>

struct acpi_info;

/*
 * Copy from the ACPI tables what XENPF_get_cpuinfo and XENPF_enter_acpi_sleep use. Boot, before any
 * domain runs.
 */
void platform_init(const struct acpi_info *info);

/* The MADT's processor id of the CPU with @apic_id; ~0: it names none. */
u32 platform_acpi_id(u32 apic_id);
