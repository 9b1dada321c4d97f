/* SPDX-License-Identifier: MIT */
/*
 * Making a domain.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/sched.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <isola/watchdog.h>
#include <xen/vcpu.h>

void vcpu_destroy(struct vcpu *v)
{
	ASSERT(!v->queued && v->on_cpu == NO_CPU && !mfn_is_valid_num(v->root_kernel));
	vcpu_timers_kill(v);
	for (unsigned i = 0; i < ARRAY_SIZE(v->posted_more) && v->posted_more[i]; i++)
		public_free(v->posted_more[i]);
	public_free(v);
}

struct vcpu *vcpu_create(struct domain *d, unsigned id)
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

static void init(struct domain *d, bool privileged)
{
	d->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	d->is_privileged = privileged;
	d->is_hidden = true;
	d->shutdown_code = SHUTDOWN_CODE_NONE;
	sched_domain_init(d);
	watchdogs_init(d);
	spin_lock_init(&d->page_lock, LOCK_DOMAIN_PAGES);
	spin_lock_init(&d->vcpus_lock, LOCK_VCPUS);
	d->shared_info_mfn = d->console_mfn = d->visit_left.mfn = INVALID_MFN;
	for (unsigned i = 0; i < NR_PARKED; i++)
		d->visit_parked[i] = INVALID_MFN;
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d->window_l3[i] = INVALID_MFN;
}

static void destroy(struct domain *d)
{
	evtchn_domain_destroy(d);
	while (d->nr_vcpus)
		vcpu_destroy(d->vcpu[--d->nr_vcpus]);
	watchdogs_kill(d);
	sched_domain_kill(d);
	public_free(d);
}

int domain_create(domid_t domid, bool privileged, struct domain **made)
{
	struct domain *d = public_alloc(sizeof(*d)); /* public: domains */
	int rc;

	if (!d)
		return -ENOMEM;
	init(d, privileged);
	rc = evtchn_domain_init(d);
	if (!rc) {
		d->domid = domid;
		rc = domid == DOMID_ANY ? domain_list_add_next(d) : domain_list_add(d);
	}
	if (rc)
		destroy(d);
	else
		*made = d;
	return rc;
}

bool domain_add_vcpus(struct domain *d, struct vcpu *const *v)
{
	bool first;

	spin_lock(&d->vcpus_lock);
	first = !d->nr_vcpus;
	for (unsigned i = 0; first && i < d->max_vcpus; i++) {
		v[i]->pauses = d->control_pauses != 0;
		d->vcpu[i] = v[i];
	}
	/* Who looks without the lock finds none of them, or all. */
	if (first)
		__atomic_store_n(&d->nr_vcpus, d->max_vcpus, __ATOMIC_RELEASE);
	spin_unlock(&d->vcpus_lock);
	return first;
}

void domain_destroy(struct domain *d)
{
	ASSERT(!d->nr_owned && !d->is_visited);
	domain_destroy_parts(d);
	destroy(d);
	raise_global_virq(VIRQ_DOM_EXC);
}
