/* SPDX-License-Identifier: MIT */
/*
 * The scheduler over a second of simulated time: who gets how much, and where. One to four CPUs;
 * vcpus that always want to run, or run and sleep in turn.
 * Sources: common/sched.c common/sched_place.c common/sched_state.c common/sched_cap.c
 * Sources: common/sched_settings.c common/runqueue.c common/timer.c common/base/softirq.c
 * Sources: common/base/spinlock.c common/lib/bitmap.c
 * Flags: -Itests/unit/events/include -include isola/errno.h
 */
#include <setjmp.h>
#include <string.h>
#include "tap.h"
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/panic.h>
#include <isola/sched.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <isola/timer.h>
#include <asm/insn.h>
#include <asm/percpu.h>

#define NR		12		/* vcpus at most */
#define STEP		MICROSECS(20)
#define SECOND		MILLISECS(1000)
#define ALL		0xful

struct cpu_public cpu_public[CONFIG_NR_CPUS];
unsigned nr_cpus;
__thread struct cpu_private *thread_cpu;
__thread bool sim_irq_off;

static struct cpu_private cpus[CONFIG_NR_CPUS];
static struct vcpu idle_vcpu[CONFIG_NR_CPUS], vcpus[NR];
static struct domain domains[NR];
static u64 now, deadline[CONFIG_NR_CPUS];
static jmp_buf on_switch;

/* What a vcpu does: runs for `runs', sleeps for `sleeps' (0: never). What it has had, and where. */
static struct work {
	u64 runs, sleeps, left, wakes_at;
	u64 had, had_on[CONFIG_NR_CPUS];
	u64 late;			/* the longest that it waited for a CPU since it woke */
} work[NR];
static unsigned nr_domains, nr_vcpus_made;

/* ---- What the scheduler takes from elsewhere ------------------------------------------------- */

u64 now_ns(void) { return now; }
void sim_pause(void) { }

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	abort();
}

void deadline_set(u64 ns) { deadline[smp_cpu_id()] = ns; }

void deadline_by(u64 ns)
{
	u64 *d = &deadline[smp_cpu_id()];

	*d = *d && *d < ns ? *d : ns;
}

static void __noreturn switch_to(struct vcpu *prev, struct vcpu *next)
{
	this_cpu.curr = next;
	sched_left(prev);
	longjmp(on_switch, 1);
}

/* ---- The machine ----------------------------------------------------------------------------- */

static void interrupt(void)
{
	u64 due = deadline[smp_cpu_id()];

	if (due && now >= due) {
		deadline[smp_cpu_id()] = 0;
		softirq_raise(SOFTIRQ_TIMER);
	}
	setjmp(on_switch);
	irq_enable();
	softirq_run();
}

static void step_cpu(unsigned cpu)
{
	struct vcpu *v;
	struct work *w;

	thread_cpu = &cpus[cpu];
	interrupt();
	v = current;
	if (v->is_idle)
		return;
	w = &work[v - vcpus];
	w->had += STEP;
	w->had_on[cpu] += STEP;
	w->wakes_at = 0;
	if (!w->sleeps || (w->left -= STEP))
		return;
	w->left = w->runs;
	w->wakes_at = now + w->sleeps;
	vcpu_sleep(VCPU_BLOCKED);
	interrupt();
}

static bool sleeps(unsigned i)
{
	return vcpus[i].state == VCPU_BLOCKED;
}

static void run_for(u64 ns)
{
	for (u64 end = now + ns; now < end; now += STEP) {
		for (unsigned i = 0; i < nr_vcpus_made; i++) {
			if (sleeps(i) && now >= work[i].wakes_at)
				vcpu_unblock(&vcpus[i]);
			if (!sleeps(i) && work[i].wakes_at && now > work[i].wakes_at)
				work[i].late = max(work[i].late, now - work[i].wakes_at);
		}
		for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
			step_cpu(cpu);
	}
}

static void machine(unsigned nr)
{
	nr_cpus = nr;
	nr_domains = nr_vcpus_made = 0;
	for (unsigned cpu = 0; cpu < nr; cpu++) {
		struct vcpu *idle = &idle_vcpu[cpu];

		*idle = (struct vcpu){ .is_idle = true, .id = cpu, .cpu = cpu,
				       .state = VCPU_RUNNABLE };
		cpu_public[cpu].idle_vcpu = cpu_public[cpu].running = idle;
		cpus[cpu] = (struct cpu_private){ .id = cpu, .curr = idle,
						  .pub = &cpu_public[cpu] };
		thread_cpu = &cpus[cpu];
		sched_init_cpu();
	}
}

/* A domain of @nr vcpus, which run for @runs and sleep for @sleeps ns. */
static struct domain *domain(unsigned nr, u32 weight, u32 cap, u64 runs, u64 sleeps)
{
	struct domain *d = &domains[nr_domains++];

	memset(d, 0, sizeof(*d));
	sched_domain_init(d);
	d->weight = weight;
	for (unsigned id = 0; id < nr; id++) {
		struct vcpu *v = &vcpus[nr_vcpus_made];

		work[nr_vcpus_made++] = (struct work){ .runs = runs, .left = runs,
						       .sleeps = sleeps };
		*v = (struct vcpu){ .domain = d, .id = id };
		sched_add_vcpu(v);
		d->vcpu[id] = v;
	}
	d->nr_vcpus = nr;
	if (cap)
		sched_set_cap(d, cap);
	return d;
}

static struct domain *hog(unsigned nr, u32 weight, u32 cap)
{
	return domain(nr, weight, cap, 0, 0);
}

static void start(void)
{
	for (unsigned i = 0; i < nr_vcpus_made; i++)
		vcpu_wake(&vcpus[i]);
}

/* Everybody goes down, and the CPUs idle: for the next machine. */
static void end(void)
{
	for (unsigned i = 0; i < nr_vcpus_made; i++)
		vcpu_stop(&vcpus[i], VCPU_DEAD);
	for (unsigned i = 0; i < nr_domains; i++)
		sched_set_cap(&domains[i], 0);
	sched_set_rate_limit(0);
	run_for(2 * STEP);
	for (unsigned i = 0; i < nr_domains; i++)
		sched_domain_kill(&domains[i]);
}

/* Of @work, what came between two looks. */
static struct work looked[NR];

static void look(void)
{
	memcpy(looked, work, sizeof(work));
	for (unsigned i = 0; i < NR; i++)
		work[i].late = 0;
}

static u64 had_by(const struct domain *d)
{
	u64 had = 0;

	for (unsigned i = 0; i < nr_vcpus_made; i++)
		if (vcpus[i].domain == d)
			had += work[i].had - looked[i].had;
	return had;
}

static u64 had_on(const struct domain *d, unsigned cpu)
{
	return work[d->vcpu[0] - vcpus].had_on[cpu] - looked[d->vcpu[0] - vcpus].had_on[cpu];
}

/* @permille of @of, within @tolerance permille of that. */
static bool near(u64 had, u64 permille, u64 of, u64 tolerance)
{
	u64 wanted = of * permille / 1000, off = had > wanted ? had - wanted : wanted - had;

	if (off * 1000 > wanted * tolerance)
		printf("# had %lu us, wanted %lu us\n", (unsigned long)had / 1000,
		       (unsigned long)wanted / 1000);
	return off * 1000 <= wanted * tolerance;
}

/* Settle for a moment, then a second. */
static void a_second(void)
{
	start();
	run_for(MILLISECS(137));
	look();
	run_for(SECOND);
}

/* ---- Weights --------------------------------------------------------------------------------- */

static void weights(unsigned nr, unsigned each)
{
	struct domain *d[3];

	machine(nr);
	d[0] = hog(each, 256, 0);
	d[1] = hog(each, 512, 0);
	d[2] = hog(each, 256, 0);
	a_second();
	ok(near(had_by(d[0]), 250, nr * SECOND, 50) && near(had_by(d[1]), 500, nr * SECOND, 50) &&
	   near(had_by(d[2]), 250, nr * SECOND, 50),
	   "weights 1 : 2 : 1 of domains of %u vcpus on %u CPUs, within 5 %%", each, nr);
	sched_set_weight(d[1], 256);
	look();
	run_for(SECOND);
	ok(near(had_by(d[1]), 333, nr * SECOND, 50), "and 1 : 1 : 1 when that is changed");
	end();
}

static void sleepers(unsigned nr, unsigned hogs)
{
	u64 late = 0;

	machine(nr);
	hog(hogs, 256, 0);
	for (unsigned i = 0; i < 2; i++)
		domain(1, 256, 0, MICROSECS(20), MICROSECS(500));
	a_second();
	for (unsigned i = hogs; i < hogs + 2; i++)
		late = max(late, work[i].late);
	ok(late <= 3 * STEP,
	   "two who mostly sleep need not wait for %u that run, on %u CPUs: %lu us",
	   hogs, nr, (unsigned long)late / 1000);
	end();
}

/* ---- Caps ------------------------------------------------------------------------------------ */

static void cap(unsigned nr, unsigned vcpus_each, u32 percent)
{
	struct domain *d, *other;

	machine(nr);
	d = hog(vcpus_each, 8192, percent);
	other = hog(nr, 256, 0);
	a_second();
	ok(near(had_by(d), percent * 10, SECOND, 50) &&
	   near(had_by(other), 1000, nr * SECOND - had_by(d), 10),
	   "a cap of %u %% for %u vcpus on %u CPUs beside others, which get the rest", percent,
	   vcpus_each, nr);
	end();
	machine(nr);
	d = hog(vcpus_each, 256, percent);
	a_second();
	ok(near(had_by(d), percent * 10, SECOND, 50), "and when nobody else wants the CPUs");
	end();
}

static void cap_changes(void)
{
	struct domain *d;

	machine(2);
	d = domain(2, 256, 10, MILLISECS(4), MICROSECS(300));
	a_second();
	ok(near(had_by(d), 100, SECOND, 50), "a cap over vcpus that sleep now and then");
	sched_set_cap(d, 50);
	look();
	run_for(SECOND);
	ok(near(had_by(d), 500, SECOND, 50), "is raised");
	sched_set_cap(d, 5);
	run_for(MILLISECS(23));
	look();
	run_for(SECOND);
	ok(near(had_by(d), 50, SECOND, 50), "and lowered");
	sched_set_cap(d, 0);
	look();
	run_for(SECOND);
	ok(had_by(d) > 2 * SECOND * 9 / 10, "without a cap they have all they want again");
	sched_set_cap(d, 20);
	for (unsigned i = 0; i < 2; i++)
		vcpu_pause(d->vcpu[i]);
	look();
	run_for(SECOND);
	ok(!had_by(d), "paused, they get none of it");
	for (unsigned i = 0; i < 2; i++)
		vcpu_unpause(d->vcpu[i]);
	look();
	run_for(SECOND);
	ok(near(had_by(d), 200, SECOND, 50), "and of an idle second nothing is kept");
	end();
}

/* ---- Places ---------------------------------------------------------------------------------- */

static void affinity(struct domain *d, unsigned long hard, unsigned long soft)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		sched_set_affinity(d->vcpu[i], &hard);
		sched_set_soft_affinity(d->vcpu[i], &soft);
	}
}

static void soft(void)
{
	struct domain *d, *other;

	machine(4);
	d = domain(1, 256, 0, MILLISECS(2), MICROSECS(500));
	affinity(d, ALL, 1 << 2);
	a_second();
	ok(had_on(d, 2) == had_by(d), "a vcpu is where it would rather be, if that CPU idles");
	end();
	machine(2);
	d = hog(1, 256, 0);
	affinity(d, ALL, 1 << 1);
	other = hog(1, 256, 0);
	affinity(other, 1 << 1, ALL);
	a_second();
	ok(near(had_on(d, 0), 1000, SECOND, 20) && near(had_by(other), 1000, SECOND, 20),
	   "and elsewhere if it is taken");
	vcpu_stop(other->vcpu[0], VCPU_DEAD);
	run_for(MILLISECS(11));
	look();
	run_for(SECOND);
	ok(had_on(d, 1) == SECOND, "it goes there within a slice when it is free");
	affinity(d, 1 << 0, 1 << 1);
	run_for(STEP);
	look();
	run_for(SECOND);
	ok(had_on(d, 0) == SECOND, "but never where it may not");
	end();
}

/* Each can run only because others move. */
static void masks(void)
{
	static const unsigned long may[] = { 1, 3, 6, 12 };

	machine(4);
	for (unsigned i = 4; i--;)
		affinity(hog(1, 256, 0), may[i], ALL);
	start();
	run_for(5 * STEP);
	look();
	run_for(SECOND);
	for (unsigned i = 0; i < 4; i++)
		check(had_by(&domains[i]) == SECOND, "domain %u had %lu us", i,
		      (unsigned long)had_by(&domains[i]) / 1000);
	all_ok("four vcpus with masks that overlap by one have four CPUs at once");
	end();
	machine(3);
	affinity(hog(1, 256, 0), 6, ALL);
	affinity(hog(1, 256, 0), 3, ALL);
	start();
	run_for(3 * STEP);
	affinity(domain(1, 256, 0, MILLISECS(1), MILLISECS(1)), 1, ALL);
	vcpu_wake(&vcpus[2]);
	run_for(MILLISECS(100));
	look();
	run_for(SECOND);
	ok(had_by(&domains[0]) == SECOND && had_by(&domains[1]) + STEP * 2000 >= SECOND &&
	   work[2].late <= 3 * STEP, "room is made for who wakes, without a wait: %lu us",
	   (unsigned long)work[2].late / 1000);
	end();
	machine(2);
	affinity(hog(1, 256, 0), 1, ALL);
	affinity(hog(1, 256, 0), 3, ALL);
	affinity(domain(1, 256, 0, MILLISECS(1), MILLISECS(1)), 2, ALL);
	a_second();
	ok(near(had_by(&domains[0]) + had_by(&domains[1]), 1500, SECOND, 20),
	   "and for who waits, when a CPU that it may not use has nothing left to do");
	end();
}

/* ---- The rate limit -------------------------------------------------------------------------- */

static void rate_limit(void)
{
	struct domain *d;

	machine(1);
	hog(1, 256, 0);
	d = domain(1, 256, 0, MICROSECS(100), MICROSECS(900));
	sched_set_rate_limit(MILLISECS(3));
	a_second();
	ok(work[1].late >= MILLISECS(2) && work[1].late <= MILLISECS(3) + 2 * STEP &&
	   near(had_by(d), 32, SECOND, 50),
	   "with a rate limit of 3 ms who wakes waits until the other has run so long");
	end();
}

int main(void)
{
	spin_debug_start();
	sched_context_switch = switch_to;
	timer_subsys_init();
	sched_init();
	for (unsigned nr = 1; nr <= 4; nr *= 2)
		for (unsigned each = nr; each <= 4; each *= 2)
			weights(nr, each);
	for (unsigned nr = 1; nr <= 4; nr++)
		for (unsigned hogs = nr - 1; hogs <= nr + 2; hogs++)
			sleepers(nr, hogs);
	cap(1, 1, 50);
	cap(1, 1, 3);
	cap(1, 4, 25);
	cap(2, 2, 150);
	cap(2, 4, 30);
	cap(4, 4, 10);
	cap(4, 4, 1);
	cap_changes();
	soft();
	masks();
	rate_limit();
	return done();
}
