/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: soft off and reset, by what ACPI told. ACPI 6.4 §4.8.3.2 (PM1 control), §4.8.3.6 (reset register), §7.4.2.
 */
#include <isola/panic.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/time.h>
#include <asm/insn.h>
#include <asm/power.h>
#include <xen/xen.h>
#include <xen/sched.h>

#define SLP_EN		(1u << 13)
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	(7u << SLP_TYP_SHIFT)

static struct acpi_register pm1a, pm1b, reset;
static u8 s5_a, s5_b, reset_value;
static bool has_s5, has_reset;

void power_init(const struct acpi_info *acpi)
{
	pm1a = acpi->pm1a_cnt;
	pm1b = acpi->pm1b_cnt;
	has_s5 = acpi->has_s5 && pm1a.addr && pm1a.space == 1;
	s5_a = acpi->s5_a;
	s5_b = acpi->s5_b;
	reset = acpi->reset;
	has_reset = acpi->has_reset && reset.space == 1;
	reset_value = acpi->reset_value;
	machine_reboot = power_reset;
}

static void sleep_by(const struct acpi_register *r, u8 type)
{
	if (r->addr && r->space == 1)
		outw((inw(r->addr) & ~SLP_TYP_MASK) | type << SLP_TYP_SHIFT | SLP_EN, r->addr);
}

static void power_off(void)
{
	if (!has_s5) {
		pr_err("this machine has no ACPI soft off: switch it off by hand");
		return;
	}
	sleep_by(&pm1a, s5_a);
	sleep_by(&pm1b, s5_b);
	udelay(100000);
}

void power_reset(void)
{
	static const struct { u16 limit; u64 base; } __packed no_idt;

	if (has_reset) {
		outb(reset_value, reset.addr);
		udelay(50000);
	}
	/* The keyboard controller's reset line, then a triple fault. */
	for (unsigned i = 0; i < 100 && (inb(0x64) & 2); i++)
		udelay(50);
	outb(0xfe, 0x64);
	udelay(50000);
	asm volatile ("lidt %0; int3" :: "m"(no_idt));
}

void machine_end(u8 reason)
{
	irq_disable();
	if (panic_stop_others)
		panic_stop_others();
	if (reason == SHUTDOWN_poweroff) {
		power_off();
	} else if (!reboot_refused()) {
		pr_info("restarting the machine");
		power_reset();
	}
	pr_info("halted");
	cpu_stop();
}
