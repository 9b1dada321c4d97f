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
 *   - queued: all vcpus that are ready (is_ready()), those that run too, and whoever runs and has
 *     gone to sleep, been paused or used up its cap since; the latter leaves at its CPU's next
 *     choice. One that is woken before that simply goes on.
 *   - cpu_public[c].running is changed by CPU c alone, in schedule(); v->cpu and v->on_cpu are c
 *     then.
 *   - v->on_cpu returns to NO_CPU in sched_left(): between the two sits the context switch.
 *   - cpus_idle: CPUs that found nobody. cpus_asked: CPUs that are to choose, and have not. Whoever
 *     becomes free to run is answered for: by a CPU that is asked, or no CPU in its mask is idle.
 *   - Runstate times are changed together with the state they account for.
 */
#include "sched_state.h"
#include <isola/softirq.h>
#include <isola/clock.h>
#include <asm/insn.h>
#include <asm/precondition.h>
#include <xen/vcpu.h>

#define TIME_SLICE MILLISECS(10)
#define MAX_CREDIT MILLISECS(10)

void (*sched_context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;

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

/* Under the lock, or @v is current: who runs is accounted for by nobody but its own CPU. */
static inline void read_runstate(const struct vcpu *v, struct vcpu_runstate_info *info)
{
	*(u64 *)info = v->runstate;             /* and the padding: it goes to the guest (LEAK-1) */
	info->state_entry_time = v->runstate_entry;
	for (unsigned i = 0; i < 4; i++)
		info->time[i] = v->runstate_time[i];
	info->time[v->runstate] += since(v->runstate_entry, now_ns());
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
	u64 flags;

	if (v == current) {
		read_runstate(v, info);
		return;
	}
	flags = spin_lock_irqsave(&sched_lock);
	read_runstate(v, info);
	spin_unlock_irqrestore(&sched_lock, flags);
}

static void advance_clock(void)
{
	ASSERT_LOCKED(&sched_lock);
	if (run_queue.first)
		queue_clock = max(queue_clock, run_queue.first->vruntime);
}

static void come_back(struct vcpu *v)
{
	ASSERT_LOCKED(&sched_lock);
	v->vruntime = max(v->vruntime, queue_clock - min(queue_clock, MAX_CREDIT));
	runqueue_insert(&run_queue, v);
}

void sched_offer(struct vcpu *v, u64 now)
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
			if (is_ready(v))
				sched_offer(v, now);
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
				runqueue_remove(&run_queue, v);
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
			runqueue_remove(&run_queue, v);
	}
	spin_unlock_irqrestore(&sched_lock, flags);
}

void vcpu_unpause(struct vcpu *v)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	ASSERT(v->pauses);
	v->pauses--;
	if (is_ready(v) && !v->queued)
		sched_offer(v, now_ns());
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

/* Its domain's budget is used up: nobody of it runs before it grows. Returns when that is. */
static u64 put_aside(const struct vcpu *prev)
{
	struct domain *d = prev->domain;
	bool was = d->cap.is_used_up;

	ASSERT_LOCKED(&sched_lock);
	d->cap.is_used_up = true;
	for (unsigned i = 0; i < d->nr_vcpus && !was; i++) {
		struct vcpu *v = d->vcpu[i];

		v->pauses++;
		if (v == prev)
			continue;
		if (is_running(v))
			softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
		else if (v->queued)
			runqueue_remove(&run_queue, v);
	}
	return cap_grows_at(&d->cap);
}

void sched_bring_back(struct domain *d, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	d->cap.is_used_up = false;
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		d->vcpu[i]->pauses--;
		if (is_ready(d->vcpu[i]) && !d->vcpu[i]->queued)
			sched_offer(d->vcpu[i], now);
	}
}

/*
 * Who runs has had some time more, or sleeps. Returns when its domain's budget grows, if that is
 * used up by now; else 0.
 */
static u64 requeue(struct vcpu *prev, u64 now)
{
	u64 grows_at = 0;

	if (prev->is_idle)
		return 0;
	runqueue_remove(&run_queue, prev);
	if (unlikely(has_limits) && prev->domain->cap.percent &&
	    !cap_charge(&prev->domain->cap, since(prev->charged_at, now), now))
		grows_at = put_aside(prev);
	prev->vruntime = vruntime_at(prev, now);
	prev->charged_at = now;
	if (is_ready(prev))
		runqueue_insert(&run_queue, prev);
	advance_clock();
	return grows_at;
}

/* `xl sched-credit2 -r': who has begun is not displaced by another so soon. */
static bool is_too_early(const struct vcpu *prev, u64 now)
{
	return unlikely(has_limits) && prev->queued && !prev->yields && !prev->gives_way &&
	       bitmap_test(prev->affinity, prev->cpu) &&
	       since(prev->runstate_entry, now) < rate_limit_ns;
}

static struct vcpu *choose(u32 cpu, struct vcpu *prev)
{
	bool moves = prev->queued && any_cpu_idles() && has_better_place(prev, cpu);
	bool waits = prev->yields || prev->gives_way;
	struct vcpu *next = runqueue_pick(&run_queue, cpu, waits || moves ? prev : NULL);

	bitmap_clear(cpus_idle, cpu);
	if (!next && waits && !moves)
		next = runqueue_pick(&run_queue, cpu, NULL);
	prev->yields = prev->gives_way = false;
	if (next)
		return next;
	/*
	 * Once more after it is known that this CPU idles: one that was still on another CPU is
	 * free now, or that CPU's sched_left() sees the bit.
	 */
	bitmap_set(cpus_idle, cpu);
	smp_mb();
	next = runqueue_pick(&run_queue, cpu, moves ? prev : NULL);
	if (!next)
		return cpu_public[cpu].idle_vcpu;
	bitmap_clear(cpus_idle, cpu);
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

/* How long @v may run where there are caps or a rate limit. Lock held. */
static u64 limited_slice(const struct vcpu *v, u64 now)
{
	u64 slice = TIME_SLICE, ran = since(v->runstate_entry, now);

	ASSERT_LOCKED(&sched_lock);
	if (v->domain->cap.percent)
		slice = min(slice, cap_slice(&v->domain->cap, v->domain->nr_vcpus));
	if (ran < rate_limit_ns)
		slice = min(slice, rate_limit_ns - ran);
	return slice;
}

/* When @v, which runs from @now on, is to be looked at again; 0: it idles. Lock held. */
static u64 slice_end(const struct vcpu *v, u64 now)
{
	ASSERT_LOCKED(&sched_lock);
	if (v->is_idle)
		return 0;
	return now + (unlikely(has_limits) ? limited_slice(v, now) : TIME_SLICE);
}

static void schedule(void)
{
	u32 cpu = smp_cpu_id();
	struct vcpu *prev, *next;
	u64 now, end, grows_at;

	irq_disable();
	spin_lock(&sched_lock);
	now = now_ns();
	prev = cpu_public[cpu].running;
	grows_at = requeue(prev, now);
	bitmap_clear(cpus_asked, cpu);
	next = is_too_early(prev, now) ? prev : choose(cpu, prev);
	if (next != prev)
		set_running(cpu, prev, next, now);
	if (any_cpu_idles())
		ask_for_room();
	end = slice_end(next, now);
	spin_unlock(&sched_lock);

	timer_set_slice(end);
	if (unlikely(grows_at))
		timer_set(&prev->domain->cap.refill, grows_at);
	if (next == prev)
		irq_enable();
	else
		sched_context_switch(prev, next);
}

/*
 * The other CPUs have passed it over until now. If it waits and one of them idles, one is
 * asked. The store comes before the look at `cpus_idle', choose() has it the other way round.
 */
void sched_left(struct vcpu *prev)
{
	bool any = false;

	ASSERT_IRQS_OFF();
	__atomic_store_n(&prev->on_cpu, NO_CPU, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(prev->queued))
		return;
	for (unsigned w = 0; w < ARRAY_SIZE(cpus_idle); w++)
		any |= READ_ONCE(cpus_idle[w]) != 0;
	if (!any)
		return;
	spin_lock(&sched_lock);
	if (prev->queued && prev->on_cpu == NO_CPU)
		ask_idle(prev);
	spin_unlock(&sched_lock);
}

/* ---- Beginning ------------------------------------------------------------------------------ */

/* The budget of @data's domain grows: enough to go on, or wait for the next time. */
static void refill(void *data)
{
	struct domain *d = data;
	u64 grows_at = 0, flags = spin_lock_irqsave(&sched_lock), now = now_ns();

	if (d->cap.is_used_up && cap_charge(&d->cap, 0, now))
		sched_bring_back(d, now);
	else if (d->cap.is_used_up)
		grows_at = cap_grows_at(&d->cap);
	spin_unlock_irqrestore(&sched_lock, flags);
	if (grows_at)
		timer_set(&d->cap.refill, grows_at);
}

void sched_domain_init(struct domain *d)
{
	d->weight = DEFAULT_WEIGHT;
	timer_init(&d->cap.refill, refill, d);
}

void sched_domain_kill(struct domain *d)
{
	timer_kill(&d->cap.refill);
}

void sched_init(void)
{
	softirq_register(SOFTIRQ_SCHEDULE, schedule);
}

void sched_init_cpu(void)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	bitmap_set(cpus_idle, smp_cpu_id());
	spin_unlock_irqrestore(&sched_lock, flags);
}
