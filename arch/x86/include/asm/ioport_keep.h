/* SPDX-License-Identifier: MIT */
/*
 * Ports the hypervisor keeps from every domain, dom0 included. Named while booting, before any
 * domain is built.
 */
#pragma once

#include <isola/types.h>

struct acpi_info;

/*
 * [@first, @last] is ours: reads give ones, writes go nowhere. For the console's UARTs other than
 * com1.
 */
void ioport_keep(u16 first, u16 last);

/* The PM timer: a clock that guests do not get (they have pvclock). */
void ioport_keep_acpi(const struct acpi_info *acpi);
