/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs. Their handlers run on any root and take no lock: they end the domain, and touch none
 * of its memory.
 *
 * Invariant: under watchdog_lock, a timer is armed only if its bit is set. Two vcpus that set the
 * same one at the same time get either's time; one that is put away bites nobody.
 */
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/printk.h>
#include <isola/clock.h>
#include <isola/watchdog.h>
#include <xen/sched.h>
#include <asm/precondition.h>

static void bite(void *data)
{
	struct domain *d = data;

	pr_err("Domain %u: a watchdog was not fed", d->domid);
	domain_shutdown(d, SHUTDOWN_watchdog);
}

void watchdogs_init(struct domain *d)
{
	spin_lock_init(&d->watchdog_lock, LOCK_WATCHDOG);
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		timer_init(&d->watchdog[i], bite, d);
}

void watchdogs_kill(struct domain *d)
{
	d->watchdogs_used = 0;
	for (struct timer *t = d->watchdog; t < d->watchdog + NR_WATCHDOGS; t++)
		timer_kill(t);
}

static void arm(struct domain *d, unsigned i, u32 seconds)
{
	ASSERT_LOCKED(&d->watchdog_lock);
	timer_set(&d->watchdog[i], now_ns() + SECONDS(seconds));
}

/* Lock held. */
static int take(struct domain *d, u32 seconds)
{
	ASSERT_LOCKED(&d->watchdog_lock);
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		if (!(d->watchdogs_used >> i & 1)) {
			d->watchdogs_used |= 1u << i;
			arm(d, i, seconds);
			return i + 1;
		}
	return -ENOSPC;
}

/* Lock held. */
static int change(struct domain *d, u32 id, u32 seconds)
{
	unsigned i;

	ASSERT_LOCKED(&d->watchdog_lock);
	if (id > NR_WATCHDOGS)
		return -EINVAL;
	i = index_nospec(id - 1, NR_WATCHDOGS);
	if (!(d->watchdogs_used >> i & 1))
		return -EINVAL;
	if (seconds) {
		arm(d, i, seconds);
		return 0;
	}
	timer_stop(&d->watchdog[i]);
	d->watchdogs_used &= ~(1u << i);
	return 0;
}

int watchdog_set(struct domain *d, u32 id, u32 seconds)
{
	int rc;

	spin_lock(&d->watchdog_lock);
	rc = id ? change(d, id, seconds) : take(d, seconds);
	spin_unlock(&d->watchdog_lock);
	return rc;
}
