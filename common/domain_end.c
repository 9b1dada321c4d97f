/* SPDX-License-Identifier: MIT */
/*
 * A domain's beginning, and its end: shut down, or crashed.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/format.h>
#include <isola/nospec.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <xen/sched.h>

/* Domains that have begun, and not ended; atomically. */
static u32 nr_running;

void domain_count(struct domain *d)
{
	WRITE_ONCE(d->is_counted, true);
	__atomic_fetch_add(&nr_running, 1, __ATOMIC_SEQ_CST);
}

/* @d's place is free, if it had one. */
static bool leave_count(struct domain *d)
{
	return __atomic_exchange_n(&d->is_counted, false, __ATOMIC_SEQ_CST);
}

/* True: with it the last has ended. */
static bool count_one_less(void)
{
	return !__atomic_sub_fetch(&nr_running, 1, __ATOMIC_SEQ_CST);
}

/* @d counts no more, if it did. True: with it the last has ended. */
static bool uncount(struct domain *d)
{
	return leave_count(d) && count_one_less();
}

void domain_uncount(struct domain *d)
{
	d->ends_machine = false;
	/* Who takes it apart is another, and counts. */
	BUG_ON(uncount(d));
}

void domain_begin(struct domain *d)
{
	domain_count(d);
	d->has_begun = true;
	vcpu_up(d->vcpu[0]);
}

void domain_begin_anew(struct domain *d)
{
	WRITE_ONCE(d->is_counted, true);
	d->has_begun = true;
	vcpu_up(d->vcpu[0]);
}

void domain_give_up(const char *name)
{
	if (!count_one_less())
		return;
	pr_err("The machine ends with domain %s, which cannot be built anew", name);
	machine_end(SHUTDOWN_crash);
}

/* What a line calls it. */
struct called { char text[8 + DOMAIN_NAME_BYTES]; };

static struct called called(const struct domain *d)
{
	struct called c;

	snprintf(c.text, sizeof(c.text), d->name[0] ? "%u (%s)" : "%u", d->domid, d->name);
	return c;
}

static const char *const shutdown_names[] = {
	[SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
	[SHUTDOWN_suspend] = "suspend", [SHUTDOWN_crash] = "crash",
	[SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft reset",
};

/* No vcpu of @d runs again; the current one leaves at its next exit. Suspended ones may, later. */
static void stop_vcpus(struct domain *d, u32 reason)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (reason == SHUTDOWN_suspend)
			vcpu_pause(d->vcpu[i]);
		else
			vcpu_stop(d->vcpu[i], VCPU_DEAD);
}

/*
 * The end of a domain runs on the root of whoever ends it and touches none of its memory: nothing
 * is taken apart. The machine ends with a domain that it stands for, or when nobody is left who
 * could run. @how: as the log has it; @show: what its vcpu was at, if the machine ends with it.
 */
static void end(struct domain *d, u32 reason, const char *how, bool show)
{
	bool is_last;

	if (__atomic_exchange_n(&d->is_shut_down, true, __ATOMIC_SEQ_CST))
		return;
	WRITE_ONCE(d->shutdown_code, reason);
	if (!d->is_unpacker || reason != SHUTDOWN_poweroff)
		pr_err("Domain %s %s", called(d).text, how);
	if (show && d == dom0)
		domain_show_state();
	stop_vcpus(d, reason);
	if (d != dom0)
		raise_global_virq(VIRQ_DOM_EXC);
	is_last = leave_count(d);
	if (is_last && d->restarts && domain_restart(d, reason))
		return;
	is_last = is_last && count_one_less();
	if (!is_last && !d->ends_machine)
		return;
	if (d != dom0)
		pr_err("The machine ends with domain %s, which %s", called(d).text, how);
	machine_end(reason);
}

void domain_shutdown(struct domain *d, u32 reason)
{
	char how[48];

	if (d->shutdown_code != SHUTDOWN_CODE_NONE)
		reason = d->shutdown_code;
	if (reason < ARRAY_SIZE(shutdown_names))
		snprintf(how, sizeof(how), "shut down: %s",
			 shutdown_names[index_nospec(reason, ARRAY_SIZE(shutdown_names))]);
	else
		snprintf(how, sizeof(how), "shut down: unknown reason %u", reason);
	end(d, reason, how, false);
}

void domain_last_vcpu_down(struct domain *d)
{
	if (d->shutdown_code != SHUTDOWN_CODE_NONE)
		domain_shutdown(d, d->shutdown_code);
	else
		end(d, SHUTDOWN_poweroff,
		    "shut down: its last vcpu went down without saying a reason", false);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char how[160];
	size_t n = snprintf(how, sizeof(how), "crashed: ");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(how + n, sizeof(how) - n, fmt, ap);
	va_end(ap);
	end(d, SHUTDOWN_crash, how, true);
}

int domain_resume(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->vcpus_lock);
	if (!READ_ONCE(d->is_shut_down)) {
		/* ABI: it goes on anyway. */
	} else if (d->shutdown_code != SHUTDOWN_suspend) {
		rc = -EINVAL;
	} else {
		d->shutdown_code = SHUTDOWN_CODE_NONE;
		domain_count(d);
		/* Before a vcpu runs that could shut it down again. */
		__atomic_store_n(&d->is_shut_down, false, __ATOMIC_SEQ_CST);
		for (unsigned i = 0; i < d->nr_vcpus; i++)
			vcpu_unpause(d->vcpu[i]);
	}
	spin_unlock(&d->vcpus_lock);
	return rc;
}
