/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler is told: affinity, weights, caps.
 */
#include "sched_state.h"
#include <isola/clock.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <isola/softirq.h>
#include <xen/vcpu.h>

static bool opt_dom0_vcpus_pin;
CMDLINE_BOOL("dom0_vcpus_pin", opt_dom0_vcpus_pin);

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

void sched_set_pin(struct vcpu *v, const unsigned long *pin)
{
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

u32 sched_cap(const struct domain *d)
{
	return READ_ONCE(d->cap.percent);
}

/* Who runs chooses anew: for how long it may run is another matter now. */
void sched_set_cap(struct domain *d, u32 percent)
{
	u64 flags = spin_lock_irqsave(&sched_lock), now = now_ns();

	has_limits |= percent != 0;
	cap_set(&d->cap, percent, now);
	if (d->cap.is_used_up)
		sched_bring_back(d, now);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (is_running(d->vcpu[i]))
			softirq_raise_on(d->vcpu[i]->cpu, SOFTIRQ_SCHEDULE);
	spin_unlock_irqrestore(&sched_lock, flags);
}

u64 sched_rate_limit(void)
{
	return READ_ONCE(rate_limit_ns);
}

void sched_set_rate_limit(u64 ns)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	has_limits |= ns != 0;
	rate_limit_ns = ns;
	spin_unlock_irqrestore(&sched_lock, flags);
}

void sched_set_soft_affinity(struct vcpu *v, const unsigned long *mask)
{
	u64 flags = spin_lock_irqsave(&sched_lock);

	memcpy(v->soft_affinity, mask, sizeof(v->soft_affinity));
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

static struct sched_place place_of(const struct vcpu *v)
{
	ASSERT_LOCKED(&sched_lock);
	return (struct sched_place){ v->domain->domid, v->id, v->on_cpu, sched_weight(v->domain),
				     v->vruntime };
}

u32 sched_look(u32 first, struct sched_place *to, u32 nr)
{
	u64 flags = spin_lock_irqsave(&sched_lock);
	u32 at = 0, n = 0;

	for (const struct vcpu *v = run_queue.first; v && n < nr; v = v->runq_next)
		if (at++ >= first)
			to[n++] = place_of(v);
	spin_unlock_irqrestore(&sched_lock, flags);
	return n;
}

bool sched_look_at(u32 cpu, struct sched_place *to)
{
	u64 flags = spin_lock_irqsave(&sched_lock);
	const struct vcpu *v = cpu_public[index_nospec(cpu, CONFIG_NR_CPUS)].running;
	bool any = !v->is_idle;

	/* It is not freed before another one runs here, which takes the lock. */
	if (any)
		*to = place_of(v);
	spin_unlock_irqrestore(&sched_lock, flags);
	return any;
}

u32 vcpu_pinned_to(const struct vcpu *v)
{
	u32 cpu = bitmap_find_first(v->affinity, nr_cpus);

	return bitmap_find_next(v->affinity, nr_cpus, cpu + 1) < nr_cpus ? NO_CPU : cpu;
}
