/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer, as the deadline of time/deadline.c: in TSC-deadline mode, or counting
 * down. SDM vol. 3 §11.5.4.
 */
#include <asm/apic.h>
#include <asm/apic_access.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <asm/irq.h>
#include <asm/percpu.h>
#include <isola/printk.h>
#include <isola/time.h>

#define LVTT_ONESHOT       (0u << 17)
#define LVTT_TSC_DEADLINE  (2u << 17)
#define TDCR_DIVIDE_BY_1   0xb
#define CALIBRATION_US     4000

/* Of the down counter, with 32 fractional bits; constant after boot. */
static u64 ticks_per_ns_32;

/* ---- TSC deadline --------------------------------------------------------------------------- */

static void tsc_deadline_init_cpu(void)
{
	apic_write(APIC_LVTT, LVTT_TSC_DEADLINE | VECTOR_TIMER);
	/*
	 * The mode switch (memory-mapped) must be seen before the first deadline is written: SDM
	 * vol. 3 §11.5.4.1.
	 */
	asm volatile ("mfence; lfence" ::: "memory");
	wrmsr(MSR_TSC_DEADLINE, 0);
}

static void tsc_deadline_arm(u64 tsc, u64 delay_ns __maybe_unused)
{
	wrmsr(MSR_TSC_DEADLINE, tsc);
}

static void tsc_deadline_disarm(void)
{
	wrmsr(MSR_TSC_DEADLINE, 0);
}

static const struct deadline_timer tsc_deadline = {
	.name = "TSC deadline", .init_cpu = tsc_deadline_init_cpu, .arm = tsc_deadline_arm,
	.disarm = tsc_deadline_disarm,
};

/* ---- Counting down -------------------------------------------------------------------------- */

/* Ticks per second in one go. */
static u64 measure(void)
{
	u64 start, ns, ticks;

	apic_write(APIC_TMICT, ~0u);
	start = now_ns();
	udelay(CALIBRATION_US);
	ticks = ~0u - apic_read(APIC_TMCCT);
	ns = now_ns() - start;
	apic_write(APIC_TMICT, 0);
	return ticks * SECONDS(1) / ns;
}

static void calibrate(void)
{
	u64 hz = to_whole_khz(median3(measure(), measure(), measure()));

	if (!hz || hz >> 34)
		fatal("the APIC timer of CPU 0 does not count");
	ticks_per_ns_32 = (hz << 29) / SECONDS(1) << 3;
	pr_info("Time: APIC timer %lu kHz", hz / 1000);
}

static void countdown_init_cpu(void)
{
	apic_write(APIC_TDCR, TDCR_DIVIDE_BY_1);
	apic_write(APIC_LVTT, LVTT_ONESHOT | VECTOR_TIMER);
	if (!ticks_per_ns_32)
		calibrate();
}

/* A delay beyond the counter's reach comes early; 0 would stop the counter. */
static void countdown_arm(u64 tsc __maybe_unused, u64 delay_ns)
{
	unsigned __int128 ticks = ((unsigned __int128)delay_ns * ticks_per_ns_32 >> 32) + 1;

	apic_write(APIC_TMICT, ticks > ~0u ? ~0u : (u32)ticks);
}

static void countdown_disarm(void)
{
	apic_write(APIC_TMICT, 0);
}

static const struct deadline_timer countdown = {
	.name = "APIC timer", .init_cpu = countdown_init_cpu, .arm = countdown_arm,
	.disarm = countdown_disarm,
};

const struct deadline_timer *apic_timer_choose(void)
{
	if (!cpu_has(TSC_DEADLINE))
		return &countdown;
	cpu_need(XEN_X86_FEATURE_TSC_DEADLINE, "TSC_DEADLINE",
		 "all CPUs have the same kind of timer");
	return &tsc_deadline;
}
