/* SPDX-License-Identifier: MIT */
/*
 * Resetting the machine, in the ways that `reboot=` names.
 */
#pragma once

#include <isola/types.h>

struct acpi_info;

/* Keep what the tables say. Boot, once. */
void reset_init(const struct acpi_info *acpi);

/*
 * Reset the machine, by one way after the other until one works. Any root, in a panic too; the
 * other CPUs have stopped; interrupts off.
 */
void machine_reset(void) __noreturn;

/*
 * Hook of the floor above, set where firmware offers it: false if it will not. It is then the first
 * way.
 */
extern bool (*reset_by_efi)(bool warm);
