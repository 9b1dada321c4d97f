/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one round-robin queue per CPU.
 *
 * Invariants, all under sched_lock(cpu): a vcpu is queued if and only if it is RUNNABLE and not
 * `running'; `running' is changed by the CPU itself, in schedule(), alone. A vcpu that is woken
 * between vcpu_sleep() and schedule() is still `running' and simply goes on. Runstate times are
 * changed together with the state they account for.
 */
#include <isola/sched.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <isola/lib/string.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <xen/vcpu.h>

#define TIME_SLICE MILLISECS(10)

static struct sched_queue {
	spinlock_t lock;
	struct vcpu *first, *last;
	struct timer slice;             /* armed while a vcpu runs and others wait */
} __aligned(64) queues[CONFIG_NR_CPUS];

void (*sched_context_switch)(struct vcpu *prev, struct vcpu *next) __noreturn;

static void enqueue(struct sched_queue *q, struct vcpu *v)
{
	v->queued = true;
	v->runq_next = NULL;
	if (q->first)
		q->last->runq_next = v;
	else
		q->first = v;
	q->last = v;
}

/* Those whose domain has ended meanwhile are dropped. */
static struct vcpu *dequeue_first(struct sched_queue *q)
{
	struct vcpu *v;

	while ((v = q->first) != NULL) {
		q->first = v->runq_next;
		v->queued = false;
		if (v->state == VCPU_RUNNABLE)
			break;
	}
	return v;
}

/* As many steps as vcpus have their home on the CPU. */
static void dequeue(struct sched_queue *q, struct vcpu *v)
{
	struct vcpu *prev = NULL, *i = q->first;

	while (i != v) {
		prev = i;
		i = i->runq_next;
	}
	if (prev)
		prev->runq_next = v->runq_next;
	else
		q->first = v->runq_next;
	if (q->last == v)
		q->last = prev;
	v->queued = false;
}

/* ---- Runstate: lock held. ------------------------------------------------------------------- */

static u32 runstate_of(const struct vcpu *v, bool running)
{
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

static void account(struct vcpu *v, bool running)
{
	u64 now = now_ns();

	if (v->is_idle)
		return;
	v->runstate_time[v->runstate] += now - v->runstate_entry;
	v->runstate_entry = now;
	v->runstate = runstate_of(v, running);
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
	struct sched_queue *q = &queues[v->cpu];
	u64 flags = spin_lock_irqsave(&q->lock);

	memset(info, 0, sizeof(*info));         /* the padding too: it goes to the guest (LEAK-1) */
	info->state = v->runstate;
	info->state_entry_time = v->runstate_entry;
	for (unsigned i = 0; i < 4; i++)
		info->time[i] = v->runstate_time[i];
	info->time[v->runstate] += now_ns() - v->runstate_entry;
	spin_unlock_irqrestore(&q->lock, flags);
}

/* ---- Sleeping and waking -------------------------------------------------------------------- */

static bool is_asleep(enum vcpu_state state, bool down_too)
{
	return state == VCPU_BLOCKED || state == VCPU_POLLING || (down_too && state == VCPU_DOWN);
}

static void wake(struct vcpu *v, bool down_too)
{
	struct sched_queue *q = &queues[v->cpu];
	u64 flags;
	bool queued = false, was_down = false;

	/* what it is woken for was stored before its state is read: pairs with vcpu_sleep() */
	smp_mb();
	if (!is_asleep(READ_ONCE(v->state), down_too))
		return;
	flags = spin_lock_irqsave(&q->lock);
	if (is_asleep(v->state, down_too)) {
		if (v->state == VCPU_POLLING)
			__atomic_fetch_and(&v->domain->poll_mask, ~(1u << v->id), __ATOMIC_SEQ_CST);
		was_down = v->state == VCPU_DOWN;
		v->state = VCPU_RUNNABLE;
		queued = cpu_public[v->cpu].running != v;
		if (queued) {
			account(v, false);
			enqueue(q, v);
		}
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (was_down && v->periodic_ns)
		vcpu_periodic_set(v, v->periodic_ns);
	if (queued)
		softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
}

void vcpu_wake(struct vcpu *v)
{
	wake(v, true);
}

void vcpu_unblock(struct vcpu *v)
{
	wake(v, false);
}

void vcpu_kick(struct vcpu *v)
{
	unsigned cpu = v->cpu;

	smp_mb();               /* event_check was stored before `running' is read */
	if (cpu != smp_cpu_id() && READ_ONCE(cpu_public[cpu].running) == v && softirq_kick_cpu)
		softirq_kick_cpu(cpu);
}

void vcpu_sleep(enum vcpu_state state)
{
	struct vcpu *v = current;
	struct sched_queue *q = &queues[v->cpu];
	u64 flags = spin_lock_irqsave(&q->lock);

	if (v->state == VCPU_RUNNABLE)  /* not DEAD: that is for ever */
		v->state = state;
	spin_unlock_irqrestore(&q->lock, flags);
	softirq_raise(SOFTIRQ_SCHEDULE);
	smp_mb();
}

void vcpu_stop(struct vcpu *v, enum vcpu_state state)
{
	struct sched_queue *q = &queues[v->cpu];
	u64 flags = spin_lock_irqsave(&q->lock);
	bool running = cpu_public[v->cpu].running == v;

	if (v->state != VCPU_DEAD) {
		if (v->queued)
			dequeue(q, v);
		__atomic_fetch_and(&v->domain->poll_mask, ~(1u << v->id), __ATOMIC_SEQ_CST);
		v->state = state;
		if (!running)
			account(v, false);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (running)
		softirq_raise_on(v->cpu, SOFTIRQ_SCHEDULE);
}

void vcpu_yield(void)
{
	softirq_raise(SOFTIRQ_SCHEDULE);
}

/* ---- Choosing ------------------------------------------------------------------------------- */

/* Change `running' to the vcpu whose turn it is; returns the one before. Lock held. */
static struct vcpu *choose(struct sched_queue *q, struct cpu_public *cpu, struct vcpu **next)
{
	struct vcpu *prev = cpu->running ? cpu->running : cpu->idle_vcpu;

	if (!prev->is_idle && prev->state == VCPU_RUNNABLE)
		enqueue(q, prev);
	*next = dequeue_first(q);
	if (!*next)
		*next = cpu->idle_vcpu;
	if (*next != prev) {
		account(prev, false);
		WRITE_ONCE(cpu->running, *next);
		account(*next, true);
	}
	return prev;
}

static void schedule(void)
{
	unsigned cpu = smp_cpu_id();
	struct sched_queue *q = &queues[cpu];
	struct vcpu *prev, *next;
	bool others_wait;

	irq_disable();
	spin_lock(&q->lock);
	prev = choose(q, &cpu_public[cpu], &next);
	others_wait = q->first != NULL;
	spin_unlock(&q->lock);

	if (others_wait)
		timer_set(&q->slice, now_ns() + TIME_SLICE);
	else if (q->slice.armed)
		timer_stop(&q->slice);
	if (next == prev)
		irq_enable();
	else
		sched_context_switch(prev, next);
}

static void slice_over(void *data)
{
	(void)data;
	softirq_raise(SOFTIRQ_SCHEDULE);
}

void sched_init(void)
{
	for (unsigned i = 0; i < CONFIG_NR_CPUS; i++) {
		spin_lock_init(&queues[i].lock, LOCK_SCHED);
		timer_init(&queues[i].slice, slice_over, NULL, i);
	}
	softirq_register(SOFTIRQ_SCHEDULE, schedule);
}

void sched_add_vcpu(struct vcpu *v)
{
	v->cpu = v->id % nr_cpus;
	v->state = VCPU_DOWN;
	v->runstate = RUNSTATE_offline;
	v->runstate_entry = now_ns();
	vcpu_timers_init(v);
}
