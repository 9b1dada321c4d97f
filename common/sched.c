/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one queue, sorted by virtual run time.
 *
 * v->vruntime counts the ns that v has run, the slower the greater its weight. The CPU that chooses
 * takes the least of those that may run there. Two bounds, against a clock that is the least of all
 * that could run, keep what happened long ago from counting for ever: a sleeper comes back at most
 * MAX_CREDIT behind the clock, and who runs gets at most MAX_LEAD before it (it can only by running
 * where nobody else may, or while a CPU is held up).
 *
 * Invariants, under sched_lock:
 *   - queued: all RUNNABLE vcpus that are not paused, those that run too, and whoever runs and has
 *     gone to sleep or been paused since; the latter leaves at its CPU's next choice. One that is
 *     woken before that simply goes on.
 *   - cpu_public[c].running is changed by CPU c alone, in schedule(); v->cpu and v->on_cpu are c
 *     then.
 *   - v->on_cpu returns to NO_CPU in sched_left(): between the two sits the context switch.
 *   - `idle': CPUs that found nobody. `pending': CPUs that have been asked to choose, and have not.
 *     Whoever becomes free to run is answered for: by a pending CPU, or no CPU in its mask is idle.
 *   - Runstate times are changed together with the state they account for.
 */
#include <isola/sched.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>
#include <isola/lock_order.h>
#include <isola/runqueue.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/clock.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <xen/vcpu.h>

#define TIME_SLICE MILLISECS(10)
#define MAX_CREDIT MILLISECS(10)
#define MAX_LEAD   MILLISECS(100)

void (*sched_context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;

static bool opt_dom0_vcpus_pin;
CMDLINE_BOOL("dom0_vcpus_pin", opt_dom0_vcpus_pin);

static spinlock_t sched_lock = SPINLOCK_INIT(LOCK_SCHED);
static struct runqueue queue;
static u64 queue_clock;         /* the least vruntime in the queue so far; only grows */
/* idle is read without the lock too: sched_left() */
static DECLARE_BITMAP(idle, CONFIG_NR_CPUS);
static DECLARE_BITMAP(pending, CONFIG_NR_CPUS);

/* 0 where clocks of two CPUs disagree by a little. */
static u64 since(u64 then, u64 now)
{
	return now > then ? now - then : 0;
}

static bool is_running(const struct vcpu *v)
{
	return cpu_public[v->cpu].running == v;
}

/* ---- Runstate: lock held. ------------------------------------------------------------------- */

static u32 runstate_of(const struct vcpu *v, bool running)
{
	ASSERT_LOCKED(&sched_lock);
	if (v->is_idle)
		return running ? RUNSTATE_running : RUNSTATE_runnable;
	switch (v->state) {
	case VCPU_RUNNABLE:
		return running ? RUNSTATE_running : RUNSTATE_runnable;
	case VCPU_BLOCKED:
	case VCPU_POLLING:
		return RUNSTATE_blocked;
	default:
		return RUNSTATE_offline;
	}
}

static void account(struct vcpu *v, bool running, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	v->runstate_time[v->runstate] += since(v->runstate_entry, now);
	v->runstate_entry = now;
	v->runstate = runstate_of(v, running);
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	*(u64 *)info = v->runstate;             /* and the padding: it goes to the guest (LEAK-1) */
	info->state_entry_time = v->runstate_entry;
	for (unsigned i = 0; i < 4; i++)
		info->time[i] = v->runstate_time[i];
	info->time[v->runstate] += since(v->runstate_entry, now_ns());
	spin_unlock_irqrestore(&sched_lock, flags);
}

/* ---- Run time: lock held. ------------------------------------------------------------------- */

/* What @v will have had when it is charged @now. */
static u64 vruntime_at(const struct vcpu *v, u64 now)
{
	u64 ran = since(v->charged_at, now);

	ASSERT_LOCKED(&sched_lock);
	if (unlikely(v->weight != DEFAULT_WEIGHT))
		ran = ran * DEFAULT_WEIGHT / v->weight;
	return min(v->vruntime + ran, queue_clock + MAX_LEAD);
}

static void advance_clock(void)
{
	ASSERT_LOCKED(&sched_lock);
	if (queue.first)
		queue_clock = max(queue_clock, queue.first->vruntime);
}

static void come_back(struct vcpu *v)
{
	ASSERT_LOCKED(&sched_lock);
	v->vruntime = max(v->vruntime, queue_clock - min(queue_clock, MAX_CREDIT));
	runqueue_insert(&queue, v);
}

/* ---- Who is asked: lock held. --------------------------------------------------------------- */

static bool is_free_for(const struct vcpu *v, u32 cpu)
{
	ASSERT_LOCKED(&sched_lock);
	return bitmap_test(idle, cpu) && !bitmap_test(pending, cpu) &&
	       bitmap_test(v->affinity, cpu);
}

/* Where it ran last, else any. */
static u32 idle_cpu_for(const struct vcpu *v)
{
	ASSERT_LOCKED(&sched_lock);
	if (is_free_for(v, v->cpu))
		return v->cpu;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (is_free_for(v, cpu))
			return cpu;
	return NO_CPU;
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

		if (r->is_idle || bitmap_test(pending, cpu) || !bitmap_test(v->affinity, cpu))
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
	bitmap_set(pending, cpu);
	softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
}

static void ask_somebody(const struct vcpu *v, u64 now)
{
	u32 cpu = idle_cpu_for(v);

	ASSERT_LOCKED(&sched_lock);
	ask(cpu != NO_CPU ? cpu : busy_cpu_for(v, now));
}

/* @v could run, and is not queued. Lock held. */
static void offer(struct vcpu *v, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	come_back(v);
	ask_somebody(v, now);
}

/* ---- Sleeping and waking -------------------------------------------------------------------- */

/* Is @state the one that is to end: @down, or else one of the two sleeps? */
static bool is_to_wake(enum vcpu_state state, bool down)
{
	return down ? state == VCPU_DOWN : state == VCPU_BLOCKED || state == VCPU_POLLING;
}

/* False: it was in no such state. */
static bool wake(struct vcpu *v, bool down)
{
	u64 flags, now;
	bool is_woken;

	/* what it is woken for was stored before its state is read: pairs with vcpu_sleep() */
	smp_mb();
	if (!is_to_wake(READ_ONCE(v->state), down))
		return false;
	flags = spin_lock_irqsave(&sched_lock);
	is_woken = is_to_wake(v->state, down);
	if (is_woken) {
		if (v->state == VCPU_POLLING)
			__atomic_fetch_and(&v->domain->poll_mask, ~(1u << v->id), __ATOMIC_SEQ_CST);
		v->state = VCPU_RUNNABLE;
		if (!is_running(v)) {
			now = now_ns();
			account(v, false, now);
			if (!v->pauses)
				offer(v, now);
		}
	}
	spin_unlock_irqrestore(&sched_lock, flags);
	return is_woken;
}

bool vcpu_wake(struct vcpu *v)
{
	return wake(v, true);
}

void vcpu_unblock(struct vcpu *v)
{
	wake(v, false);
}

/*
 * If it is on its way from the CPU looked at, or on its way to another, it looks at its events when
 * it arrives: they were posted before `cpu' was read here.
 */
void vcpu_kick(struct vcpu *v)
{
	u32 cpu;

	smp_mb();               /* event_check was stored before `running' is read */
	cpu = READ_ONCE(v->cpu);
	if (cpu != smp_cpu_id() && READ_ONCE(cpu_public[cpu].running) == v && softirq_kick_cpu)
		softirq_kick_cpu(cpu);
}

void vcpu_sleep(enum vcpu_state state)
{
	enum vcpu_state was = VCPU_RUNNABLE;

	/* If not, it is DEAD, or stopped by a sibling. A waker changes a sleeper only. */
	__atomic_compare_exchange_n(&current->state, &was, state, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	softirq_raise(SOFTIRQ_SCHEDULE);
	smp_mb();
}

void vcpu_stop(struct vcpu *v, enum vcpu_state state)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	if (v->state != VCPU_DEAD) {
		__atomic_fetch_and(&v->domain->poll_mask, ~(1u << v->id), __ATOMIC_SEQ_CST);
		WRITE_ONCE(v->state, state);
		if (is_running(v)) {
			softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
		} else {
			if (v->queued)
				runqueue_remove(&queue, v);
			account(v, false, now_ns());
		}
	}
	spin_unlock_irqrestore(&sched_lock, flags);
}

void vcpu_pause(struct vcpu *v)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	if (!v->pauses++) {
		if (is_running(v))
			softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
		else if (v->queued)
			runqueue_remove(&queue, v);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
}

void vcpu_unpause(struct vcpu *v)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	ASSERT(v->pauses);
	if (!--v->pauses && v->state == VCPU_RUNNABLE && !v->queued)
		offer(v, now_ns());
	spin_unlock_irqrestore(&sched_lock, flags);
}

/* The acquire pairs with sched_left(): all of @v's state is in its memory. */
bool vcpu_is_at_rest(const struct vcpu *v)
{
	return READ_ONCE(v->state) == VCPU_DOWN &&
	       __atomic_load_n(&v->on_cpu, __ATOMIC_ACQUIRE) == NO_CPU;
}

void vcpu_yield(void)
{
	current->yields = true;
	softirq_raise(SOFTIRQ_SCHEDULE);
}

/* ---- Choosing ------------------------------------------------------------------------------- */

/* Who runs has had some time more, or sleeps. */
static void requeue(struct vcpu *prev, u64 now)
{
	if (prev->is_idle)
		return;
	runqueue_remove(&queue, prev);
	prev->vruntime = vruntime_at(prev, now);
	prev->charged_at = now;
	if (prev->state == VCPU_RUNNABLE && !prev->pauses)
		runqueue_insert(&queue, prev);
	advance_clock();
}

static struct vcpu *choose(u32 cpu, struct vcpu *prev)
{
	struct vcpu *next = runqueue_pick(&queue, cpu, prev->yields ? prev : NULL);

	bitmap_clear(pending, cpu);
	bitmap_clear(idle, cpu);
	if (!next && prev->yields)
		next = runqueue_pick(&queue, cpu, NULL);
	prev->yields = false;
	if (next)
		return next;
	/*
	 * Once more after it is known that this CPU idles: one that was still on another CPU is
	 * free now, or that CPU's sched_left() sees the bit.
	 */
	bitmap_set(idle, cpu);
	smp_mb();
	next = runqueue_pick(&queue, cpu, NULL);
	if (!next)
		return cpu_public[cpu].idle_vcpu;
	bitmap_clear(idle, cpu);
	return next;
}

/* Lock held, on the CPU itself. */
static void set_running(u32 cpu, struct vcpu *prev, struct vcpu *next, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	ASSERT_IRQS_OFF();
	account(prev, false, now);
	account(next, true, now);
	next->charged_at = now;
	next->on_cpu = cpu;
	WRITE_ONCE(next->cpu, cpu);
	WRITE_ONCE(cpu_public[cpu].running, next);
}

static void schedule(void)
{
	u32 cpu = smp_cpu_id();
	struct vcpu *prev, *next;
	u64 now;

	irq_disable();
	spin_lock(&sched_lock);
	now = now_ns();
	prev = cpu_public[cpu].running;
	requeue(prev, now);
	next = choose(cpu, prev);
	if (next != prev)
		set_running(cpu, prev, next, now);
	spin_unlock(&sched_lock);

	timer_set_slice(next->is_idle ? 0 : now + TIME_SLICE);
	if (next == prev)
		irq_enable();
	else
		sched_context_switch(prev, next);
}

/*
 * The other CPUs have passed it over until now. If it waits and one of them idles, that one is
 * asked. The store comes before the look at `idle', choose() has it the other way round.
 */
void sched_left(struct vcpu *prev)
{
	bool any = false;

	ASSERT_IRQS_OFF();
	__atomic_store_n(&prev->on_cpu, NO_CPU, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(prev->queued))
		return;
	for (unsigned w = 0; w < ARRAY_SIZE(idle); w++)
		any |= READ_ONCE(idle[w]) & prev->affinity[w];
	if (!any)
		return;
	spin_lock(&sched_lock);
	if (prev->queued && prev->on_cpu == NO_CPU)
		ask(idle_cpu_for(prev));
	spin_unlock(&sched_lock);
}

/* ---- Beginning ------------------------------------------------------------------------------ */

void sched_init(void)
{
	softirq_register(SOFTIRQ_SCHEDULE, schedule);
}

void sched_init_cpu(void)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	bitmap_set(idle, smp_cpu_id());
	spin_unlock_irqrestore(&sched_lock, flags);
}

void sched_add_vcpu(struct vcpu *v)
{
	v->cpu = v->id % nr_cpus;
	v->on_cpu = NO_CPU;
	if (opt_dom0_vcpus_pin && v->domain->domid == DOMID_DOM0)
		bitmap_set(v->affinity, v->cpu);
	else
		bitmap_set_range(v->affinity, 0, CONFIG_NR_CPUS);
	bitmap_set_range(v->soft_affinity, 0, CONFIG_NR_CPUS);
	v->weight = v->domain->weight;
	v->state = VCPU_DOWN;
	v->runstate = RUNSTATE_offline;
	v->runstate_entry = now_ns();
}

void sched_set_share(struct vcpu *v, u32 weight, const unsigned long *pin)
{
	v->weight = v->domain->weight = weight;
	if (bitmap_empty(pin, CONFIG_NR_CPUS))
		return;
	memcpy(v->affinity, pin, sizeof(v->affinity));
	v->cpu = bitmap_find_first(pin, nr_cpus);
}

u64 sched_idle_time(u32 cpu)
{
	struct vcpu_runstate_info info;

	vcpu_runstate_get(cpu_public[cpu].idle_vcpu, &info);
	return info.time[RUNSTATE_running];
}

u32 sched_weight(const struct domain *d)
{
	return READ_ONCE(d->weight);
}

void sched_set_weight(struct domain *d, u32 weight)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	d->weight = weight;
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		d->vcpu[i]->weight = weight;
	spin_unlock_irqrestore(&sched_lock, flags);
}

void sched_set_affinity(struct vcpu *v, const unsigned long *mask)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	memcpy(v->affinity, mask, sizeof(v->affinity));
	/* Who runs where it may not leaves at that CPU's next choice, and is offered then. */
	if (is_running(v) && !bitmap_test(v->affinity, v->cpu))
		softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
	else if (v->queued && !is_running(v))
		ask_somebody(v, now_ns());
	spin_unlock_irqrestore(&sched_lock, flags);
}

u32 vcpu_pinned_to(const struct vcpu *v)
{
	u32 cpu = bitmap_find_first(v->affinity, nr_cpus);

	return bitmap_find_next(v->affinity, nr_cpus, cpu + 1) < nr_cpus ? NO_CPU : cpu;
}
