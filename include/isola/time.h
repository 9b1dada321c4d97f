/* SPDX-License-Identifier: MIT */
/*
 * Time at boot: the TSC calibrated against a platform timer; deadlines; the time of day.
 */
#pragma once

#include <isola/clock.h>

/*
 * Calibrate the TSC against the first of PM timer, HPET and PIT that works, and start system time;
 * prints what was chosen. Boot CPU, once. fatal() when no platform timer is found.
 */
struct acpi_info;
void time_init(const struct acpi_info *acpi);
/* Per-CPU part: this CPU's one-shot timer. After apic_init_cpu(). */
void time_init_cpu(void);
/* Arm this CPU's one-shot interrupt for @deadline (ns), 0 = disarm. Interrupts off. */
void deadline_set(u64 deadline);
/* The same, unless it is armed for an earlier time already: that interrupt will do. */
void deadline_by(u64 deadline);

/*
 * Does the TSC run at one rate in all power states (CPUID 80000007h EDX[8]), so that guests may
 * rely on it?
 */
bool tsc_is_invariant(void);
/* The middle one; for measurements. */
u64 median3(u64 a, u64 b, u64 c);
/*
 * A measured frequency, in Hz: where in a tick the measurement began decides about less than 1 kHz.
 */
static inline u64 to_whole_khz(u64 hz) { return (hz + 500) / 1000 * 1000; }

/* Wall clock at system time 0, ns since 1970; set from the RTC at boot and by XENPF_settime. */
u64 wallclock_base_ns(void);
void wallclock_set(u64 base_ns);
/* Changes with every wallclock_set(); never 0. */
u64 wallclock_version(void);
/* Read the RTC, if there is one. Boot CPU, after time_init(). */
void wallclock_init(const struct acpi_info *acpi);
/* It is @seconds since 1970 now, as @clock says. Boot CPU, before there are domains. */
void wallclock_begin(u64 seconds, const char *clock);
/* Midnight of a date of the Gregorian calendar, in seconds since 1970. */
u64 time_to_seconds(unsigned year, unsigned month, unsigned day);

/*
 * The one-shot timer behind deadline_set(), lent by the floor above (irq/apic_timer.c).
 * @init_cpu every CPU, interrupts off. @arm interrupts off; interrupts at TSC value @tsc or
 * @delay_ns from now (it takes what suits it), or a little earlier; a past one at once. @disarm: no
 * interrupt is due.
 */
struct deadline_timer {
	const char *name;
	void (*init_cpu)(void);
	void (*arm)(u64 tsc, u64 delay_ns);
	void (*disarm)(void);
};
void deadline_register(const struct deadline_timer *t);
/* Its interrupt handler. */
void deadline_interrupt(void);

/*
 * Platform timers: what the TSC is calibrated against. @probe: is it there and does it answer? Sets
 * hz and mask. Counters count up, modulo mask + 1. Boot CPU, at boot only.
 */
struct platform_timer {
	const char *name;
	bool (*probe)(struct platform_timer *t, const struct acpi_info *acpi);
	u64 (*read)(void);
	u64 hz, mask;
};
extern struct platform_timer pm_timer, hpet, pit;
