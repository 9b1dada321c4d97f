/* SPDX-License-Identifier: MIT */
/*
 * The ACPI power management timer: 3.579545 MHz, 24 or 32 bits, read at an I/O port. ACPI 6.4
 * §4.8.2.1.
 */
#include <isola/time.h>
#include <asm/acpi.h>
#include <asm/insn.h>

#define ACPI_SPACE_IO 1

static u16 port;                /* 0: none */

static u64 pm_timer_read(void)
{
	return inl(port) & pm_timer.mask;
}

static bool pm_timer_probe(struct platform_timer *t, const struct acpi_info *acpi)
{
	const struct acpi_register *r = &acpi->pm_timer;

	if (!acpi->has_fadt || r->space != ACPI_SPACE_IO || !r->addr || r->addr > 0xfffc)
		return false;
	port = r->addr;
	t->mask = acpi->pm_timer_32bit ? 0xffffffff : 0xffffff;
	return true;
}

struct platform_timer pm_timer = {
	.name = "ACPI PM timer", .probe = pm_timer_probe, .read = pm_timer_read, .hz = 3579545,
};
