/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: shut down, or crashed.
 */
#include <isola/domain.h>
#include <isola/evtchn.h>
#include <isola/lib/format.h>
#include <isola/nospec.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <xen/sched.h>

/*
 * The end of a domain runs on the root of whoever ends it and touches none of its memory: with dom0
 * the machine ends, and nothing is taken apart. No vcpu of @d runs again; the current one leaves at
 * its next exit.
 */
static void stop_vcpus(struct domain *d)
{
	d->is_shut_down = true;
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		vcpu_stop(d->vcpu[i], VCPU_DEAD);
	if (d != dom0)
		raise_global_virq(VIRQ_DOM_EXC);
}

static const char *const shutdown_names[] = {
	[SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
	[SHUTDOWN_suspend] = "suspend", [SHUTDOWN_crash] = "crash",
	[SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft reset",
};

void domain_shutdown(struct domain *d, u32 reason)
{
	if (d->is_shut_down)
		return;
	if (d->shutdown_code != SHUTDOWN_CODE_NONE)
		reason = d->shutdown_code;
	if (reason < ARRAY_SIZE(shutdown_names))
		pr_err("Domain %u shut down: %s", d->domid,
		       shutdown_names[index_nospec(reason, ARRAY_SIZE(shutdown_names))]);
	else
		pr_err("Domain %u shut down: unknown reason %u", d->domid, reason);
	stop_vcpus(d);
	if (d == dom0)
		machine_end(reason);
}

void domain_last_vcpu_down(struct domain *d)
{
	if (d->is_shut_down)
		return;
	if (d->shutdown_code != SHUTDOWN_CODE_NONE) {
		domain_shutdown(d, d->shutdown_code);
		return;
	}
	pr_err("Domain %u shut down: its last vcpu went down without saying a reason", d->domid);
	stop_vcpus(d);
	if (d == dom0)
		machine_end(SHUTDOWN_poweroff);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	if (d->is_shut_down)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	pr_err("Domain %u crashed: %s", d->domid, why);
	stop_vcpus(d);
	if (d == dom0)
		machine_end(SHUTDOWN_crash);
}
