/* SPDX-License-Identifier: MIT */
/*
 * The high precision event timer's main counter, for calibration only. IA-PC HPET Specification
 * 1.0a §2.3.
 */
#include <isola/time.h>
#include <asm/acpi.h>
#include <asm/cpu_window.h>

#define HPET_CAPABILITIES 0x00          /* 63:32 period in femtoseconds */
#define HPET_CONFIG       0x10          /* bit 0: the counter runs */
#define HPET_COUNTER      0xf0
#define HPET_ENABLE       1
#define MAX_PERIOD_FS     100000000     /* the specification's: 10 MHz or faster */
#define FS_PER_SECOND     1000000000000000ul

/*
 * 32-bit accesses: all that every implementation promises. Mapped in the boot window while it is
 * used.
 */
static u32 hpet_in(unsigned reg)
{
	return *(volatile u32 *)((u8 *)cpu_window_ptr(WINDOW_BOOT) + reg);
}

static void hpet_out(unsigned reg, u32 val)
{
	*(volatile u32 *)((u8 *)cpu_window_ptr(WINDOW_BOOT) + reg) = val;
}

static u64 hpet_read(void)
{
	return hpet_in(HPET_COUNTER);
}

static bool hpet_probe(struct platform_timer *t, const struct acpi_info *acpi)
{
	u32 period_fs;

	if (!acpi->hpet_maddr || acpi->hpet_maddr & (PAGE_SIZE - 1))
		return false;
	cpu_window_map(WINDOW_BOOT, maddr_to_mfn(acpi->hpet_maddr), PAGE_HV_UC);
	period_fs = hpet_in(HPET_CAPABILITIES + 4);
	if (!period_fs || period_fs > MAX_PERIOD_FS)
		return false;
	hpet_out(HPET_CONFIG, hpet_in(HPET_CONFIG) | HPET_ENABLE);
	t->hz = FS_PER_SECOND / period_fs;
	return true;
}

struct platform_timer hpet = {
	.name = "HPET", .probe = hpet_probe, .read = hpet_read, .mask = 0xffffffff,
};
