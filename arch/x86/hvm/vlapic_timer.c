/* SPDX-License-Identifier: MIT */
/*
 * The timer of a local APIC: one-shot and periodic. It counts 100 MHz, as Xen's does, by the
 * divisor. The handler of its end touches nothing of the guest's: it leaves a mark and wakes the
 * vcpu, which arms the next one itself, when it has come to take this; so a guest that asks for
 * short periods has no more of them than it has turns (HVM-6).
 */
#include <isola/clock.h>
#include <isola/sched.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

#define COUNT_NS	10u
#define LVT_PERIODIC	0x20000u
#define LEAST_PERIOD	MICROSECS(100)

static void fired(void *data)
{
	struct vcpu *v = data;

	WRITE_ONCE(v->domain->hvm->vcpu[v->id]->timer_fired, true);
	vcpu_unblock(v);
	vcpu_kick(v);
}

void vlapic_timer_init(struct vcpu *v)
{
	timer_init(&v->domain->hvm->vcpu[v->id]->timer, fired, v);
}

static struct timer *timer(void)
{
	return &current->domain->hvm->vcpu[current->id]->timer;
}

/* SDM vol. 3 figure 11-10: bits 3, 1 and 0; 7 is one. At most 2^32 counts of 1280 ns. */
u32 vlapic_timer_divisor(const struct vlapic *a)
{
	unsigned shift = ((a->divide & 3) | (a->divide >> 1 & 4)) + 1;

	return 1u << (shift & 7);
}

static u64 ns_per_count(void)
{
	return (u64)COUNT_NS * vlapic_timer_divisor(&this_hvm.apic);
}

static u64 period_of(const struct vlapic *a)
{
	return (u64)a->initial * COUNT_NS * vlapic_timer_divisor(a);
}

static u64 period(void)
{
	return period_of(&this_hvm.apic);
}

static bool is_periodic(const struct vlapic *a)
{
	return a->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static void arm(struct timer *t, struct vlapic *a, u64 from)
{
	u64 ns = period_of(a);

	a->started = from;
	timer_set(t, from + (is_periodic(a) ? max(ns, LEAST_PERIOD) : ns));
}

void vlapic_timer_set(u32 initial)
{
	this_hvm.apic.initial = initial;
	/* What has ended but is not taken yet has been overtaken. */
	timer_stop(timer());
	if (initial)
		arm(timer(), &this_hvm.apic, now_ns());
}

u32 vlapic_timer_now(void)
{
	const struct vlapic *a = &this_hvm.apic;
	u64 gone = (now_ns() - a->started) / ns_per_count();

	if (!a->initial)
		return 0;
	if (gone < a->initial)
		return a->initial - gone;
	return is_periodic(a) ? a->initial - gone % a->initial : 0;
}

void vlapic_timer_change(u32 lvt, u32 divide)
{
	struct vlapic *a = &this_hvm.apic;
	u32 left = vlapic_timer_now();
	bool same = !((lvt ^ a->lvt[LVT_TIMER]) & LVT_PERIODIC) && divide == a->divide;

	a->lvt[LVT_TIMER] = lvt;
	a->divide = divide;
	if (same || !left)
		return;
	/* As if it had begun when, at the new speed, so much would be left of it. */
	timer_stop(timer());
	a->started = now_ns() - (u64)(a->initial - left) * ns_per_count();
	timer_set(timer(), max(a->started + period(), now_ns()));
}

void vlapic_timer_end(void)
{
	struct vlapic *a = &this_hvm.apic;
	u64 now = now_ns();

	/* It was set anew since. */
	if (!a->initial || now < a->started + period())
		return;
	if (!(a->lvt[LVT_TIMER] & APIC_LVT_MASKED))
		vlapic_set_irq(a->lvt[LVT_TIMER]);
	if (is_periodic(a))
		arm(timer(), a, a->started + 2 * period() > now ? a->started + period() : now);
}

void vlapic_timer_restart(struct vcpu *v, struct vlapic *a)
{
	struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];

	timer_stop(&h->timer);
	WRITE_ONCE(h->timer_fired, false);
	if (a->initial)
		arm(&h->timer, a, now_ns());
}
