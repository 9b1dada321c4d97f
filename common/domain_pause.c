/* SPDX-License-Identifier: MIT */
/*
 * Domains that wait: for the control domain, or for good.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/precondition.h>

#define MOST_PAUSES 255			/* as in Xen */

/* Who runs leaves when its CPU chooses again, at the latest behind an interrupt. */
static void wait_for(const struct vcpu *v)
{
	ASSERT(irq_is_enabled());
	while (__atomic_load_n(&v->on_cpu, __ATOMIC_ACQUIRE) != NO_CPU)
		cpu_relax();
}

static void wait_for_all(const struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (d->vcpu[i] != current)
			wait_for(d->vcpu[i]);
}

void domain_pause(struct domain *d)
{
	spin_lock(&d->vcpus_lock);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (d->vcpu[i] != current)
			vcpu_pause(d->vcpu[i]);
	spin_unlock(&d->vcpus_lock);
	wait_for_all(d);
}

void domain_unpause(struct domain *d)
{
	spin_lock(&d->vcpus_lock);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		if (d->vcpu[i] != current)
			vcpu_unpause(d->vcpu[i]);
	spin_unlock(&d->vcpus_lock);
}

int domain_pause_by_control(struct domain *d)
{
	ASSERT(d != current->domain);
	spin_lock(&d->vcpus_lock);
	if (d->control_pauses == MOST_PAUSES) {
		spin_unlock(&d->vcpus_lock);
		return -EOVERFLOW;
	}
	if (!d->control_pauses++)
		for (unsigned i = 0; i < d->nr_vcpus; i++)
			vcpu_pause(d->vcpu[i]);
	spin_unlock(&d->vcpus_lock);
	/* Without the lock, for which a vcpu of the domain may be spinning (sched.h). */
	wait_for_all(d);
	return 0;
}

int domain_unpause_by_control(struct domain *d)
{
	int rc = -EINVAL;

	spin_lock(&d->vcpus_lock);
	if (d->control_pauses) {
		rc = 0;
		if (!--d->control_pauses) {
			d->has_begun = true;
			for (unsigned i = 0; i < d->nr_vcpus; i++)
				vcpu_unpause(d->vcpu[i]);
		}
	}
	spin_unlock(&d->vcpus_lock);
	return rc;
}
