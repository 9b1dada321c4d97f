/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: soft off and reset, by what ACPI told. ACPI 6.4 §4.8.3.2 (PM1 control),
 * §4.8.3.6 (reset register), §7.4.2.
 */
#include <isola/console.h>
#include <isola/panic.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/clock.h>
#include <asm/insn.h>
#include <asm/power.h>
#include <xen/xen.h>
#include <xen/sched.h>

#define SLP_EN		(1u << 13)
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	(7u << SLP_TYP_SHIFT)

static u16 pm1a, pm1b;			/* I/O ports of PM1 control; 0: there is none */
static bool has_s5;			/* the DSDT named the types */
static u8 s5_a, s5_b;			/* SLP_TYP for soft off */
static struct acpi_register reset;	/* addr 0: none */
static u8 reset_value;

static u16 io_port(const struct acpi_register *r)
{
	return r->space == 1 && r->addr <= 0xffff ? r->addr : 0;
}

void power_init(const struct acpi_info *acpi)
{
	pm1a = io_port(&acpi->pm1a_cnt);
	pm1b = io_port(&acpi->pm1b_cnt);
	has_s5 = acpi->has_s5;
	s5_a = acpi->s5_a;
	s5_b = acpi->s5_b;
	if (acpi->has_reset && io_port(&acpi->reset))
		reset = acpi->reset;
	reset_value = acpi->reset_value;
	machine_reboot = power_reset;
}

static u8 sleep_type(u16 val)
{
	return (val & SLP_TYP_MASK) >> SLP_TYP_SHIFT;
}

bool power_offer_s5(u16 val_a, u16 val_b)
{
	if (!pm1a)
		return false;
	if (has_s5)
		return sleep_type(val_a) == s5_a && (!pm1b || sleep_type(val_b) == s5_b);
	has_s5 = true;
	s5_a = sleep_type(val_a);
	s5_b = sleep_type(val_b);
	return true;
}

/* SLP_TYP first, then SLP_EN with it: ACPI 6.4 §7.4.2. */
static void sleep_by(u16 port, u8 type)
{
	u16 val;

	if (!port)
		return;
	val = (inw(port) & ~SLP_TYP_MASK) | type << SLP_TYP_SHIFT;
	outw(val, port);
	outw(val | SLP_EN, port);
}

static void power_off(void)
{
	if (!has_s5 || !pm1a) {
		pr_err("this machine has no ACPI soft off: switch it off by hand");
		return;
	}
	asm volatile ("wbinvd" ::: "memory");
	sleep_by(pm1a, s5_a);
	sleep_by(pm1b, s5_b);
	udelay(100000);
}

void power_reset(void)
{
	static const struct { u16 limit; u64 base; } __packed no_idt;

	if (reset.addr) {
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

void machine_end(u32 reason)
{
	irq_disable();
	if (panic_stop_others)
		panic_stop_others();
	console_drain();
	if (reason == SHUTDOWN_poweroff) {
		power_off();
	} else if (!reboot_refused()) {
		pr_info("restarting the machine");
		console_drain();
		power_reset();
	}
	pr_info("halted");
	cpu_stop();
}
