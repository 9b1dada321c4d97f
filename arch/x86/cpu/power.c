/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: soft off by what ACPI told (ACPI 6.4 §4.8.3.2, PM1 control; §7.4.2), or
 * a reset.
 */
#include <isola/console.h>
#include <isola/panic.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/clock.h>
#include <asm/insn.h>
#include <asm/power.h>
#include <asm/reset.h>
#include <xen/xen.h>
#include <xen/sched.h>

#define SLP_EN		(1u << 13)
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	(7u << SLP_TYP_SHIFT)

static u16 pm1a, pm1b;			/* I/O ports of PM1 control; 0: there is none */
static bool has_s5;			/* the DSDT named the types */
static u8 s5_a, s5_b;			/* SLP_TYP for soft off */

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

/*
 * As Xen: what is asked for is done; after an end that nobody asked for the machine waits, so that
 * it can be read, or stays halted if `noreboot` says so.
 */
static bool is_restart_wanted(u32 reason)
{
	return reason == SHUTDOWN_reboot || reason == SHUTDOWN_watchdog ||
	       reason == SHUTDOWN_soft_reset;
}

void machine_end(u32 reason)
{
	machine_stop_others();
	console_drain();
	if (reason == SHUTDOWN_poweroff) {
		power_off();
	} else if (is_restart_wanted(reason)) {
		pr_info("restarting the machine");
		machine_reset();
	} else if (!reboot_refused()) {
		pr_info("restarting the machine in %u seconds", REBOOT_DELAY_S);
		reboot_wait();
		machine_reset();
	}
	pr_info("halted");
	console_drain();
	cpu_stop();
}
