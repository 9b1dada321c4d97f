/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's places: who is asked about a vcpu that waits.
 *
 * An idle CPU where it would rather run (soft affinity), else any idle CPU where it may. Else,
 * where masks differ, a CPU whose vcpu can go on elsewhere: at once, or because that one's can.
 * Each such move leaves the next to sched_left(), which has one less to go. Else a CPU whose vcpu
 * has had more.
 */
#include "sched_state.h"
#include <isola/softirq.h>
#include <asm/precondition.h>
#include <isola/lib/string.h>

/* Where it ran last, else any of those in @mask. */
static u32 idle_cpu_in(const struct vcpu *v, const unsigned long *mask)
{
	ASSERT_LOCKED(&sched_lock);
	for (unsigned w = 0; w < BITMAP_LONGS(CONFIG_NR_CPUS); w++) {
		u64 free = cpus_idle[w] & ~cpus_asked[w] & v->affinity[w] & mask[w];

		if (free && v->cpu / 64 == w && (free & 1ul << v->cpu % 64))
			return v->cpu;
		if (free)
			return w * 64 + __builtin_ctzl(free);
	}
	return NO_CPU;
}

static u32 idle_cpu_for(const struct vcpu *v)
{
	u32 cpu = idle_cpu_in(v, v->soft_affinity);

	ASSERT_LOCKED(&sched_lock);
	return cpu != NO_CPU ? cpu : idle_cpu_in(v, v->affinity);
}

/* The CPU whose vcpu has had most, if that is more than @v has. */
static u32 busy_cpu_for(const struct vcpu *v, u64 now)
{
	u64 most = v->vruntime;
	u32 found = NO_CPU;

	ASSERT_LOCKED(&sched_lock);
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		const struct vcpu *r = cpu_public[cpu].running;
		u64 had;

		if (r->is_idle || bitmap_test(cpus_asked, cpu) || !bitmap_test(v->affinity, cpu))
			continue;
		had = vruntime_at(r, now);
		if (had > most) {
			most = had;
			found = cpu;
		}
	}
	return found;
}

static void ask(u32 cpu)
{
	ASSERT_LOCKED(&sched_lock);
	if (cpu == NO_CPU)
		return;
	bitmap_set(cpus_asked, cpu);
	softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
}

/*
 * A CPU of @wanted whose vcpu could run on one of @reached, or NO_CPU; then those that are not in
 * @wanted are added to @reached.
 */
static u32 reach_further(unsigned long *reached, const unsigned long *wanted, bool *more)
{
	DECLARE_BITMAP(from, CONFIG_NR_CPUS);

	ASSERT_LOCKED(&sched_lock);
	memcpy(from, reached, sizeof(from));
	*more = false;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		const struct vcpu *r = cpu_public[cpu].running;

		if (bitmap_test(reached, cpu) || r->is_idle || bitmap_test(cpus_asked, cpu) ||
		    !bitmap_intersects(r->affinity, from, CONFIG_NR_CPUS))
			continue;
		if (bitmap_test(wanted, cpu))
			return cpu;
		bitmap_set(reached, cpu);
		*more = true;
	}
	return NO_CPU;
}

/* The CPU of @wanted that it takes the fewest moves to free. */
static u32 cpu_with_room(const unsigned long *wanted)
{
	DECLARE_BITMAP(reached, CONFIG_NR_CPUS);
	bool more = any_cpu_idles();
	u32 cpu = NO_CPU;

	ASSERT_LOCKED(&sched_lock);
	for (unsigned w = 0; w < BITMAP_LONGS(CONFIG_NR_CPUS); w++)
		reached[w] = cpus_idle[w] & ~cpus_asked[w];
	while (more && cpu == NO_CPU)
		cpu = reach_further(reached, wanted, &more);
	return cpu;
}

static bool ask_room(const unsigned long *wanted)
{
	u32 cpu = cpu_with_room(wanted);

	ASSERT_LOCKED(&sched_lock);
	if (cpu == NO_CPU)
		return false;
	cpu_public[cpu].running->gives_way = true;
	ask(cpu);
	return true;
}

bool ask_idle(const struct vcpu *v)
{
	u32 cpu;

	ASSERT_LOCKED(&sched_lock);
	if (!any_cpu_idles())
		return false;
	cpu = idle_cpu_for(v);
	ask(cpu);
	return cpu != NO_CPU || ask_room(v->affinity);
}

void ask_somebody(const struct vcpu *v, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	if (!ask_idle(v))
		ask(busy_cpu_for(v, now));
}

void ask_for_room(void)
{
	DECLARE_BITMAP(wanted, CONFIG_NR_CPUS) = { 0 };
	bool any = false;

	ASSERT_LOCKED(&sched_lock);
	for (const struct vcpu *v = run_queue.first; v; v = v->runq_next) {
		if (READ_ONCE(v->on_cpu) != NO_CPU)
			continue;
		any = true;
		for (unsigned w = 0; w < BITMAP_LONGS(CONFIG_NR_CPUS); w++)
			wanted[w] |= v->affinity[w];
	}
	if (any)
		ask_room(wanted);
}

bool has_better_place(const struct vcpu *v, u32 cpu)
{
	ASSERT_LOCKED(&sched_lock);
	return !bitmap_test(v->soft_affinity, cpu) &&
	       idle_cpu_in(v, v->soft_affinity) != NO_CPU;
}
