/* SPDX-License-Identifier: MIT */
/*
 * Timers: one sorted list per CPU and its softirq.
 *
 * Invariants: a timer is in the list of timer.cpu or in none, and only that CPU adds to its list. A
 * CPU's deadline is never later than its first timer or the end of its slice; it may be earlier,
 * for one that went. Lists are short: the hypervisor's own few and three for each vcpu, which
 * bounds every walk (CON-1).
 */
#include <isola/timer.h>
#include <isola/lock_order.h>
#include <isola/softirq.h>
#include <isola/spinlock.h>
#include <isola/time.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

/* Handlers run by one softirq before the CPU looks at its other work. */
#define MAX_BATCH 64

static struct timer_queue {
	spinlock_t lock;
	struct timer *first;
	u64 slice_end;                  /* 0: none; its own CPU's, interrupts off */
	struct timer *running;          /* whose handler has been called, and has not returned */
} __aligned(64) queues[CONFIG_NR_CPUS];

static void insert(struct timer_queue *q, struct timer *t)
{
	struct timer *prev = NULL, *next = q->first;

	while (next && next->expires <= t->expires) {
		prev = next;
		next = next->next;
	}
	t->prev = prev;
	t->next = next;
	t->armed = true;
	if (next)
		next->prev = t;
	if (prev)
		prev->next = t;
	else
		q->first = t;
}

static void remove(struct timer_queue *q, struct timer *t)
{
	if (t->next)
		t->next->prev = t->prev;
	if (t->prev)
		t->prev->next = t->next;
	else
		q->first = t->next;
	t->armed = false;
}

/* t->cpu may change until its lock is held. */
static struct timer_queue *lock_queue_of(struct timer *t, u64 *flags)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->cpu);

		*flags = spin_lock_irqsave(&queues[cpu].lock);
		if (cpu == READ_ONCE(t->cpu))
			return &queues[cpu];
		spin_unlock_irqrestore(&queues[cpu].lock, *flags);
	}
}

void timer_init(struct timer *t, void (*fn)(void *), void *data)
{
	*t = (struct timer){ .fn = fn, .data = data };
}

void timer_set(struct timer *t, u64 expires)
{
	u64 flags;
	struct timer_queue *q = lock_queue_of(t, &flags);

	/* Off another CPU's list first; another setter of the same timer may come in between. */
	while (q != &queues[smp_cpu_id()]) {
		if (t->armed)
			remove(q, t);
		WRITE_ONCE(t->cpu, smp_cpu_id());
		spin_unlock_irqrestore(&q->lock, flags);
		q = lock_queue_of(t, &flags);
	}
	if (t->armed)
		remove(q, t);
	t->expires = max(expires, 1ul);         /* 0 would disarm the hardware */
	insert(q, t);
	if (q->first == t)
		deadline_by(t->expires);
	spin_unlock_irqrestore(&q->lock, flags);
}

/*
 * The deadline stays armed for a timer that went: the softirq then finds nothing to do and arms the
 * next.
 */
void timer_stop(struct timer *t)
{
	u64 flags;
	struct timer_queue *q = lock_queue_of(t, &flags);

	if (t->armed)
		remove(q, t);
	spin_unlock_irqrestore(&q->lock, flags);
}

static bool is_running(const struct timer *t)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (__atomic_load_n(&queues[cpu].running, __ATOMIC_ACQUIRE) == t)
			return true;
	return false;
}

/* Who was off the list before timer_stop() had its lock is seen to run. */
void timer_kill(struct timer *t)
{
	ASSERT(irq_is_enabled());
	do {
		timer_stop(t);
		while (is_running(t))
			cpu_relax();
	} while (READ_ONCE(t->armed));
}

void timer_set_slice(u64 end)
{
	ASSERT_IRQS_OFF();
	queues[smp_cpu_id()].slice_end = end;
	if (end)
		deadline_by(end);
}

/* What this CPU waits for next is what it is to be interrupted for. Lock held. */
static void arm_deadline(struct timer_queue *q)
{
	u64 next = q->first ? q->first->expires : 0;

	ASSERT_LOCKED(&q->lock);
	ASSERT_IRQS_OFF();
	if (q->slice_end && now_ns() >= q->slice_end) {
		q->slice_end = 0;
		softirq_raise(SOFTIRQ_SCHEDULE);
	}
	if (q->slice_end)
		next = next ? min(next, q->slice_end) : q->slice_end;
	deadline_set(next);
}

/*
 * Each pass takes one expired timer off the list and calls it without the lock; the rest waits for
 * a softirq of its own.
 */
static void run_expired(void)
{
	struct timer_queue *q = &queues[smp_cpu_id()];
	u64 flags = spin_lock_irqsave(&q->lock);

	for (unsigned i = 0; q->first && q->first->expires <= now_ns(); i++) {
		struct timer *t = q->first;
		void (*fn)(void *) = t->fn;
		void *data = t->data;

		if (i == MAX_BATCH) {
			softirq_raise(SOFTIRQ_TIMER);
			break;
		}
		remove(q, t);
		WRITE_ONCE(q->running, t);
		spin_unlock_irqrestore(&q->lock, flags);
		fn(data);
		__atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
		flags = spin_lock_irqsave(&q->lock);
	}
	arm_deadline(q);
	spin_unlock_irqrestore(&q->lock, flags);
}

u32 timer_look(u32 cpu, u64 *first)
{
	struct timer_queue *q = &queues[cpu];
	u64 flags = spin_lock_irqsave(&q->lock);
	u32 nr = 0;

	if (q->first)
		*first = q->first->expires;
	for (const struct timer *t = q->first; t; t = t->next)
		nr++;
	spin_unlock_irqrestore(&q->lock, flags);
	return nr;
}

void timer_subsys_init(void)
{
	for (unsigned i = 0; i < CONFIG_NR_CPUS; i++)
		spin_lock_init(&queues[i].lock, LOCK_TIMER);
	softirq_register(SOFTIRQ_TIMER, run_expired);
}
