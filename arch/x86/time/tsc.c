/* SPDX-License-Identifier: MIT */
/*
 * How fast the TSC runs: measured once, at boot, against a platform timer.
 */
#include <isola/time.h>
#include <isola/printk.h>
#include <asm/acpi.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>

#define CALIBRATION_DIVISOR  20                 /* of a second: 50 ms, three times */
#define MIN_HZ               1000000 /* a TSC slower or faster than this was measured wrongly */
#define MAX_HZ               (16 * SECONDS(1))
#define MAX_READS            (1u << 24) /* a timer that has not moved on by then is broken */

static struct platform_timer *const platform_timers[] = {
#ifdef CONFIG_PMTIMER
	&pm_timer,
#endif
#ifdef CONFIG_HPET
	&hpet,
#endif
#ifdef CONFIG_PIT
	&pit,
#endif
	NULL
};

/*
 * Read until the counter changes: @tsc is then as close to its edge as one read takes. ~0: it does
 * not change.
 */
static u64 wait_edge(const struct platform_timer *t, u64 *tsc)
{
	u64 first = t->read(), now;

	for (unsigned i = 0; i < MAX_READS; i++) {
		now = t->read();
		*tsc = rdtsc_ordered();
		if (now != first)
			return now;
	}
	return ~0ul;
}

/*
 * TSC ticks per second measured against @t, or 0. Counts what passes between reads, so short
 * counters may wrap.
 */
static u64 measure(const struct platform_timer *t)
{
	u64 want = t->hz / CALIBRATION_DIVISOR, ticks = 0;
	u64 tsc_start, tsc_end = 0, last, now;

	last = wait_edge(t, &tsc_start);
	if (last == ~0ul || t->hz > SECONDS(1))
		return 0;
	for (unsigned i = 0; ticks < want; i++) {
		if (i == MAX_READS)
			return 0;
		now = t->read();
		tsc_end = rdtsc_ordered();
		ticks += (now - last) & t->mask;
		last = now;
	}
	/* 2^33 * 2^30: less than two seconds at 4 GHz, hz <= 10^9 */
	return (tsc_end - tsc_start) * t->hz / ticks;
}

/*
 * The middle one of three: under another hypervisor a pause between two instructions can spoil any
 * single measurement.
 */
static u64 measure_well(const struct platform_timer *t)
{
	u64 a = measure(t), b = a ? measure(t) : 0, c = b ? measure(t) : 0;

	return to_whole_khz(median3(a, b, c));
}

u64 median3(u64 a, u64 b, u64 c)
{
	return max(min(a, b), min(max(a, b), c));
}

bool tsc_is_invariant(void)
{
	return cpu_has(ITSC);
}

void time_init(const struct acpi_info *acpi)
{
	for (unsigned i = 0; platform_timers[i]; i++) {
		struct platform_timer *t = platform_timers[i];
		u64 hz;

		if (!t->probe(t, acpi))
			continue;
		hz = measure_well(t);
		if (hz < MIN_HZ || hz > MAX_HZ) {
			pr_warn("Time: the %s does not work; trying the next timer", t->name);
			continue;
		}
		clock_start(hz);
		pr_info("Time: TSC %lu.%03lu MHz, %s, measured against %s", tsc_khz / 1000,
			tsc_khz % 1000, tsc_is_invariant() ? "invariant" : "not invariant",
			t->name);
		return;
	}
	fatal("no PM timer, HPET or PIT to calibrate the TSC with");
}
