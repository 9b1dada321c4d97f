/* SPDX-License-Identifier: MIT */
/*
 * The lines on which the console's ports interrupt: irq/console_line.c.
 */
#pragma once

struct acpi_info;

/* They are the hypervisor's, and listened to, from now on. Boot, after pirq_init(). */
void console_line_init(const struct acpi_info *acpi);
