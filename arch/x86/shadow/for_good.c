/* SPDX-License-Identifier: MIT */
/*
 * All vcpus of a domain, and those that are shadowed for as long as their domain lives: its tables
 * hold absent entries that name RAM, which a processor with L1TF must not come upon (SPC-5). In a
 * tree an absent entry is zero, whatever the guest's is.
 */
#include <asm/percpu.h>
#include <asm/preempt.h>
#include <asm/pt_check.h>
#include <asm/shadow.h>
#include <asm/visit.h>
#include <isola/errno.h>
#include <isola/printk.h>

/* The current one is the last: what it makes of its own it need not take back. */
int shadow_create_all(struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		if (d->vcpu[i]->shadow.on || d->vcpu[i] == current)
			continue;
		if (shadow_create(d->vcpu[i]))
			return -ENOMEM;
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return d == current->domain && !current->shadow.on ? shadow_create(current) : 0;
}

/*
 * But for the current one, which runs on it: if it has one, somebody who was stopped has made it,
 * and comes again.
 */
void shadow_destroy_all(struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (d->vcpu[i] != current)
			shadow_destroy(d->vcpu[i]);
}

int shadow_make_for_good(struct domain *d)
{
	int rc;

	if (d->log.for_good)
		return 0;
	rc = shadow_create_all(d);
	if (!rc) {
		WRITE_ONCE(d->log.for_good, true);
		pr_info("domain %u: absent entries name RAM: shadowed from now on", d->domid);
	} else if (rc == -ENOMEM && !d->log.on && !d->log.op) {
		shadow_destroy_all(d);
	}
	return rc;
}

int shadow_instead(struct domain *d, int rc)
{
	int paused;

	if (likely(rc != -EINVAL) || !d->nr_vcpus ||
	    !__atomic_exchange_n(&d->log.absent_refused, false, __ATOMIC_RELAXED))
		return rc;
	paused = domain_pause_by_control(d);
	if (paused)
		return paused;
	rc = -ERESTART;
	if (visit_keep_off(d)) {
		/* What dies gets none: visit_bar() waits, and then they are taken away for good. */
		if (!READ_ONCE(d->is_dying))
			rc = shadow_make_for_good(d) ?: -ERESTART;
		visit_allow(d);
	}
	return domain_unpause_by_control(d) ?: rc;
}
