/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs. Their handlers run on any root: they end the domain, and touch nothing of its memory.
 * Two vcpus that set the same one at the same time get either's time.
 */
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/printk.h>
#include <isola/time.h>
#include <isola/watchdog.h>
#include <xen/sched.h>

static void bite(void *data)
{
	struct domain *d = data;

	pr_err("Domain %u: a watchdog was not fed", d->domid);
	domain_shutdown(d, SHUTDOWN_watchdog);
}

void watchdogs_init(struct domain *d)
{
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		timer_init(&d->watchdog[i], bite, d);
}

static void arm(struct domain *d, unsigned i, u32 seconds)
{
	timer_set(&d->watchdog[i], now_ns() + SECONDS(seconds));
}

static int take(struct domain *d, u32 seconds)
{
	for (unsigned i = 0; i < NR_WATCHDOGS; i++)
		if (!(__atomic_fetch_or(&d->watchdogs_used, 1u << i, __ATOMIC_SEQ_CST) >> i & 1)) {
			arm(d, i, seconds);
			return i + 1;
		}
	return -ENOSPC;
}

int watchdog_set(struct domain *d, u32 id, u32 seconds)
{
	unsigned i;

	if (!id)
		return take(d, seconds);
	if (id > NR_WATCHDOGS)
		return -EINVAL;
	i = index_nospec(id - 1, NR_WATCHDOGS);
	if (!(READ_ONCE(d->watchdogs_used) >> i & 1))
		return -EINVAL;
	if (seconds) {
		arm(d, i, seconds);
		return 0;
	}
	timer_stop(&d->watchdog[i]);
	__atomic_fetch_and(&d->watchdogs_used, ~(1u << i), __ATOMIC_SEQ_CST);
	return 0;
}
