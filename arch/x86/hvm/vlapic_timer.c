/* SPDX-License-Identifier: MIT */
/*
 * The timer of a local APIC: one-shot and periodic, when it counts 100 MHz, as Xen's does, by the
 * divisor; or until the TSC, which is the processor's, has come to a deadline. The handler of its
 * end touches nothing of the guest's: it leaves a mark and wakes the vcpu, which arms the next one
 * itself, when it has come to take this; so a guest that asks for short periods has no more of them
 * than it has turns (HVM-6).
 */
#include <isola/clock.h>
#include <isola/sched.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/percpu.h>

#define COUNT_NS	10u
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
	return (a->lvt[LVT_TIMER] & VLAPIC_TIMER_MODE) == VLAPIC_PERIODIC;
}

/* Thirty years are as good as what is more. */
static u64 ns_until(u64 tsc)
{
	u64 now = rdtsc(), left = tsc > now ? tsc - now : 0;

	return MILLISECS(min(left / tsc_khz, 1ul << 40)) + left % tsc_khz * MILLISECS(1) / tsc_khz;
}

static void arm_deadline(struct timer *t, const struct vlapic *a)
{
	timer_set(t, now_ns() + ns_until(a->deadline));
}

static void arm(struct timer *t, struct vlapic *a, u64 from)
{
	u64 ns = period_of(a);

	a->started = from;
	timer_set(t, from + (is_periodic(a) ? max(ns, LEAST_PERIOD) : ns));
}

void vlapic_timer_set(u32 initial)
{
	if (vlapic_has_deadline(this_hvm.apic.lvt[LVT_TIMER]))
		return;
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

u64 vlapic_deadline(void)
{
	return this_hvm.apic.deadline;
}

void vlapic_set_deadline(u64 tsc)
{
	struct vlapic *a = &this_hvm.apic;

	if (!vlapic_has_deadline(a->lvt[LVT_TIMER]))
		return;
	a->deadline = tsc;
	timer_stop(timer());
	if (tsc)
		arm_deadline(timer(), a);
}

void vlapic_timer_change(u32 lvt, u32 divide)
{
	struct vlapic *a = &this_hvm.apic;
	u32 left = vlapic_timer_now(), changed = lvt ^ a->lvt[LVT_TIMER];

	a->lvt[LVT_TIMER] = lvt;
	a->divide = divide;
	if (vlapic_has_deadline(lvt) != vlapic_has_deadline(lvt ^ changed)) {
		timer_stop(timer());
		a->initial = a->deadline = 0;
		return;
	}
	if ((!(changed & VLAPIC_TIMER_MODE) && divide == a->divide) || !left)
		return;
	/* As if it had begun when, at the new speed, so much would be left of it. */
	timer_stop(timer());
	a->started = now_ns() - (u64)(a->initial - left) * ns_per_count();
	timer_set(timer(), max(a->started + period(), now_ns()));
}

/* It was set anew since, or the timer's clock and the TSC are not quite of one mind: once more. */
static void end_deadline(struct vlapic *a)
{
	if (rdtsc() < a->deadline) {
		arm_deadline(timer(), a);
		return;
	}
	a->deadline = 0;
	if (!(a->lvt[LVT_TIMER] & APIC_LVT_MASKED))
		vlapic_set_irq(a->lvt[LVT_TIMER]);
}

void vlapic_timer_end(void)
{
	struct vlapic *a = &this_hvm.apic;
	u64 now = now_ns();

	if (a->deadline) {
		end_deadline(a);
		return;
	}
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
	if (a->deadline)
		arm_deadline(&h->timer, a);
	else if (a->initial)
		arm(&h->timer, a, now_ns());
}
