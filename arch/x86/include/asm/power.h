/* SPDX-License-Identifier: MIT */
/*
 * Soft off and reset: what isola/power.h and panic() use.
 */
#pragma once

#include <asm/acpi.h>

/* Keep what the tables say. Boot, once. */
void power_init(const struct acpi_info *acpi);

/* Reset the machine; returns only if nothing works. Any context. */
void power_reset(void);
