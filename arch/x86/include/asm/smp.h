/* SPDX-License-Identifier: MIT */
/*
 * Bringing up the other CPUs.
 */
#pragma once

#include <asm/acpi.h>

/* The idle vcpu and idle root of @cpu. fatal() when memory is short. */
void smp_make_idle(unsigned cpu);

/*
 * Start every other CPU that the MADT lists as enabled, up to CONFIG_NR_CPUS and maxcpus=; each
 * ends in its idle loop. Boot root, interrupts on. A CPU that does not answer within a second, or
 * that the APIC cannot name, is left out with a line; one that lacks what the hypervisor uses, or
 * that runs already, is fatal(). The CPUs' features are leveled.
 */
void smp_boot_cpus(const struct acpi_info *acpi);
