/* SPDX-License-Identifier: MIT */
/*
 * Domains: making one, finding one, ending one.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/format.h>
#include <isola/lock_order.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/power.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <isola/watchdog.h>
#include <asm/percpu.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

struct domain *dom0;

struct domain *domain_by_id(domid_t domid)
{
	if (domid == DOMID_SELF)
		return current->domain;
	return dom0 && domid == dom0->domid ? dom0 : NULL;
}

static struct vcpu *vcpu_create(struct domain *d, unsigned id)
{
	struct vcpu *v = public_alloc(sizeof(*v)); /* public: vcpus */

	if (!v)
		return NULL;
	v->domain = d;
	v->id = id;
	v->state = VCPU_DOWN;
	v->on_cpu = NO_CPU;
	v->runstate = RUNSTATE_offline;
	/* It has none of these yet: whatever fails from now on can be undone. */
	v->root_kernel = v->root_user = v->area_l3 = INVALID_MFN;
	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++)
		v->private_mfn[i] = INVALID_MFN;
	return v;
}

struct domain *domain_create(domid_t domid, unsigned nr_vcpus, bool privileged)
{
	struct domain *d = public_alloc(sizeof(*d)); /* public: domains */

	if (!d)
		return NULL;
	d->domid = domid;
	d->is_privileged = privileged;
	d->shutdown_code = SHUTDOWN_CODE_NONE;
	watchdogs_init(d);
	spin_lock_init(&d->page_lock, LOCK_DOMAIN_PAGES);
	spin_lock_init(&d->vcpus_lock, LOCK_VCPUS);
	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	d->shared_info_mfn = INVALID_MFN;
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d->window_l3[i] = INVALID_MFN;
	for (unsigned i = 0; i < nr_vcpus; i++) {
		d->vcpu[i] = vcpu_create(d, i);
		if (!d->vcpu[i])
			return NULL;	/* boot: the caller refuses to go on */
		d->nr_vcpus++;
	}
	return evtchn_domain_init(d) ? NULL : d;
}

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
