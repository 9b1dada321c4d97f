/* SPDX-License-Identifier: MIT */
/*
 * CPUs that hang, found by each other.
 *
 * Xen has each CPU's performance counter send it NMIs. Not every machine has a counter that can
 * (QEMU's and Bochs's have none), and every one has a local APIC that sends an NMI to another CPU.
 * What it takes to be found is the same: timers, and so softirqs, that do not run on a CPU.
 */
#include <asm/apic.h>
#include <asm/cpu_watch.h>
#include <asm/percpu.h>
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/panic.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <isola/timer.h>
#include <isola/lib/cmdline.h>

#define LOOK_NS		1000000000ul
#define MOST_S		3600u
#define ANSWER_LOOKS	2u		/* after which an NMI has not been taken */

/* Public. Of each CPU: */
static struct watch {
	struct timer timer;
	u32 beats;			/* it alone writes */
	/* who looks at it alone writes */
	u32 seen;			/* beats, at the last look that found one */
	u32 looks;			/* since then */
	bool is_accused;		/* an NMI is on its way, or has been taken */
} __aligned(64) watches[CONFIG_NR_CPUS];

static bool wanted;
static u32 seconds = 5;

static int parse_watchdog(const char *value)
{
	int on = *value ? cmdline_parse_bool(value, NULL) : 1;

	if (on < 0 && !cmdline_is(value, NULL, "force"))
		return -EINVAL;
	wanted = on;
	return 0;
}
CMDLINE_CUSTOM("watchdog", parse_watchdog);

/* As in Xen, whoever says how long wants it. */
static int parse_timeout(const char *value)
{
	u64 n;
	int rc = cmdline_parse_u64(value, NULL, &n);

	if (rc)
		return rc;
	if (n > MOST_S)
		return -ERANGE;
	wanted = n;
	if (n)
		seconds = n;
	return 0;
}
CMDLINE_CUSTOM("watchdog_timeout", parse_timeout);

/* Two timers of a second each: the first look after a beat may come at once. */
static void look_at(u32 cpu)
{
	struct watch *w = &watches[cpu];
	u32 beats = READ_ONCE(w->beats);

	if (likely(beats != w->seen)) {
		WRITE_ONCE(w->is_accused, false);
		WRITE_ONCE(w->seen, beats);
		w->looks = 0;
		return;
	}
	w->looks++;
	if (w->looks == seconds + 1) {
		WRITE_ONCE(w->is_accused, true);
		apic_send_nmi(cpu_public[cpu].apic_id);
	}
	if (w->looks > seconds + 1 + ANSWER_LOOKS)
		panic("the watchdog finds that CPU %u is stuck, and takes no NMI", cpu);
}

static void beat(void *data __maybe_unused)
{
	u32 cpu = smp_cpu_id();
	struct watch *w = &watches[cpu];

	WRITE_ONCE(w->beats, w->beats + 1);
	look_at(cpu + 1 == nr_cpus ? 0 : cpu + 1);
	timer_set(&w->timer, now_ns() + LOOK_NS);
}

/* SOFTIRQ_WATCH, once: a timer is armed on its own CPU. */
static void begin(void)
{
	timer_init(&watches[smp_cpu_id()].timer, beat, NULL);
	beat(NULL);
}

void cpu_watch_start(void)
{
	if (!wanted)
		return;
	if (nr_cpus == 1) {
		pr_warn("watchdog=: there is no second CPU that could find this one stuck");
		return;
	}
	softirq_register(SOFTIRQ_WATCH, begin);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		softirq_raise_on(cpu, SOFTIRQ_WATCH);
	pr_info("Watchdog: a CPU that is stuck for %u s ends the machine", seconds);
}

/* A guest's registers are not for the log. */
void cpu_watch_nmi(const struct regs *r)
{
	u32 cpu = smp_cpu_id();
	const struct watch *w = &watches[cpu];

	if (likely(!READ_ONCE(w->is_accused)) || READ_ONCE(w->seen) != w->beats)
		return;
	if (regs_from_guest(r))
		panic("the watchdog finds that CPU %u takes no timers", cpu);
	panic_regs(r, "the watchdog finds that CPU %u is stuck", cpu);
}
