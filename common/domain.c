/* SPDX-License-Identifier: MIT */
/*
 * Making a domain.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <isola/watchdog.h>
#include <xen/vcpu.h>

static void vcpu_destroy(struct vcpu *v)
{
	ASSERT(!v->queued && v->on_cpu == NO_CPU && !mfn_is_valid_num(v->root_kernel));
	vcpu_timers_stop(v);
	public_free(v);
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

/* Domains made so far. */
static u64 last_serial;

struct domain *domain_create(domid_t domid, unsigned nr_vcpus, bool privileged)
{
	struct domain *d = public_alloc(sizeof(*d)); /* public: domains */

	if (!d)
		return NULL;
	d->domid = domid;
	d->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	d->is_privileged = privileged;
	d->shutdown_code = SHUTDOWN_CODE_NONE;
	watchdogs_init(d);
	spin_lock_init(&d->page_lock, LOCK_DOMAIN_PAGES);
	spin_lock_init(&d->vcpus_lock, LOCK_VCPUS);
	spin_lock_init(&d->evtchn_lock, LOCK_EVTCHN);
	d->shared_info_mfn = d->console_mfn = INVALID_MFN;
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d->window_l3[i] = INVALID_MFN;
	for (; d->nr_vcpus < nr_vcpus; d->nr_vcpus++) {
		d->vcpu[d->nr_vcpus] = vcpu_create(d, d->nr_vcpus);
		if (!d->vcpu[d->nr_vcpus])
			goto destroy;
	}
	if (!evtchn_domain_init(d) && !domain_list_add(d))
		return d;
destroy:
	domain_destroy(d);
	return NULL;
}

void domain_destroy(struct domain *d)
{
	ASSERT(!d->nr_owned);
	evtchn_domain_destroy(d);
	while (d->nr_vcpus)
		vcpu_destroy(d->vcpu[--d->nr_vcpus]);
	watchdogs_stop(d);
	public_free(d);
}
