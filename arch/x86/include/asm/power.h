/* SPDX-License-Identifier: MIT */
/*
 * Soft off: what isola/power.h uses.
 */
#pragma once

#include <asm/acpi.h>

/* Keep what the tables say. Boot, once. */
void power_init(const struct acpi_info *acpi);

/*
 * dom0 asks for soft off with these PM1 values: its AML interpreter's word for the types where our
 * search of the DSDT found none. False: there is no PM1 register, or the values are not soft off's.
 */
bool __must_check power_offer_s5(u16 val_a, u16 val_b);
