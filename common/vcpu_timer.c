/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's timers: single-shot, periodic, and the timeout of SCHEDOP_poll.
 *
 * Their handlers run on any root: they post VIRQ_TIMER or wake, and touch nothing of the guest's.
 * One run of the periodic handler arms it at most once, in the future (TIM-1).
 */
#include <isola/vcpu_timer.h>
#include <isola/clock.h>
#include <isola/evtchn.h>
#include <isola/sched.h>

#define DEFAULT_PERIOD MILLISECS(10)    /* 100 Hz until the guest says otherwise: part of the ABI */

static void singleshot_fired(void *data)
{
	send_vcpu_virq(data, VIRQ_TIMER);
}

static void periodic_fired(void *data)
{
	struct vcpu *v = data;
	u64 period = READ_ONCE(v->periodic_ns), now = now_ns();

	if (!period || v->state == VCPU_DEAD)
		return;
	send_vcpu_virq(v, VIRQ_TIMER);
	timer_set(&v->periodic_timer,
		  max(v->periodic_timer.expires + period, now + MICROSECS(100)));
}

static void poll_timed_out(void *data)
{
	struct vcpu *v = data;

	if (READ_ONCE(v->state) == VCPU_POLLING)
		vcpu_unblock(v);
}

void vcpu_timers_init(struct vcpu *v)
{
	timer_init(&v->singleshot_timer, singleshot_fired, v);
	timer_init(&v->periodic_timer, periodic_fired, v);
	timer_init(&v->poll_timer, poll_timed_out, v);
	v->periodic_ns = DEFAULT_PERIOD;
}

void vcpu_periodic_set(struct vcpu *v, u64 period_ns)
{
	WRITE_ONCE(v->periodic_ns, period_ns);
	if (period_ns)
		timer_set(&v->periodic_timer, now_ns() + period_ns);
	else
		timer_stop(&v->periodic_timer);
}

void vcpu_up(struct vcpu *v)
{
	if (vcpu_wake(v) && v->periodic_ns)
		vcpu_periodic_set(v, v->periodic_ns);
}

void vcpu_timers_kill(struct vcpu *v)
{
	WRITE_ONCE(v->periodic_ns, 0);
	timer_kill(&v->periodic_timer);
	timer_kill(&v->singleshot_timer);
	timer_kill(&v->poll_timer);
}
