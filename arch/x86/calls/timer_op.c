/* SPDX-License-Identifier: MIT */
/*
 * set_timer_op: the current vcpu's single-shot timer, as an absolute system time; 0 stops it.
 */
#include <asm/hypercall.h>
#include <isola/clock.h>
#include <isola/vcpu.h>
#include <asm/percpu.h>

#define FAR_FUTURE_SHIFT 50             /* 13 days: beyond it the caller has got its sums wrong */
#define WRONG_SUMS_DELAY MILLISECS(100)

/*
 * A time in the past fires at once. A negative one, or one too far, fires soon: callers recover
 * from an early event, not from none.
 */
long hc_set_timer_op(u64 timeout)
{
	struct timer *t = &current->singleshot_timer;
	u64 now = now_ns();

	if (!timeout)
		timer_stop(t);
	else if ((s64)timeout < 0 || (timeout > now && (timeout - now) >> FAR_FUTURE_SHIFT))
		timer_set(t, now + WRONG_SUMS_DELAY);
	else
		timer_set(t, timeout);
	return 0;
}
