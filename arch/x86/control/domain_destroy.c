/* SPDX-License-Identifier: MIT */
/*
 * A domain taken apart, stage by stage (LIFE-1). A stage that should stop is called again; which
 * are done is in the domain, as is how far one has come. One CPU at a time: domctl_begin().
 *
 *   stop      nobody finds the domain any more; its vcpus wait, off their CPUs, for good
 *   bar       nobody visits it any more (VIS-3), and nothing is logged; what has begun to give it
 *             memory, or to take some, has ended: its list of frames stands still
 *   models    of an HVM domain end: their ports, what they had of it
 *   grants    what it has mapped by grants is given back, and its own entries are closed
 *   ports     all closed
 *   entries   what its page tables hold of others' frames is given back; before any of its own
 *             frames goes: an entry must not be taken for one that names what its frame becomes
 *   windows   of descriptors and of memory show nothing; before they go, too
 *   nested    tables of an HVM domain go; what they name is the domain's own
 *   frames    all of them, special ones among them: free, or orphans (MEM-5)
 * Then it is dead, and the control domain is told. vcpus, their areas, grant table and window
 * tables go with the last reference, by domain_destroy(); the control domain is told once more.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <isola/vcpu.h>
#include <asm/domain_destroy.h>
#include <asm/domain_map.h>
#include <asm/foreign_entries.h>
#include <asm/gnttab.h>
#include <asm/hvm_domain.h>
#include <asm/log_dirty.h>
#include <asm/percpu.h>
#include <asm/preempt.h>
#include <asm/vcpu_area.h>
#include <asm/visit.h>
#include <asm/window_tables.h>

static int stop(struct domain *d)
{
	if (domain_list_mark_dying(d))
		domain_uncount(d);
	domain_pause(d);
	return page_claim(&d->claimed, 0);
}

static int bar(struct domain *d)
{
	if (!visit_bar(d))
		return -ERESTART;
	domain_log_end(d);
	/* Whoever has the lock has not seen that it dies; who comes later does. */
	spin_lock(&d->page_lock);
	d->end_frame = d->page_list;
	spin_unlock(&d->page_lock);
	domain_release_flush(d);
	return 0;
}

static int clear_descs(struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		vcpu_area_clear_descs(d->vcpu[i]);
	return 0;
}

/* The tables that become idle by it are freed a GiB's at a time, too. */
static int clear_window(struct domain *d)
{
	while (window_clear_some(d)) {
		domain_release_flush(d);
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

static int end_models(struct domain *d)
{
	if (d->hvm)
		ioreq_servers_end(d);
	return 0;
}

static int free_nested_tables(struct domain *d)
{
	while (hvm_domain_destroy_some(d))
		if (hypercall_preempt_check())
			return -ERESTART;
	return 0;
}

static int free_frames(struct domain *d)
{
	while (domain_discard_some(d))
		if (hypercall_preempt_check())
			return -ERESTART;
	return 0;
}

static int (*const stages[])(struct domain *d) = {
	stop, bar, end_models, gnttab_release_mappings, evtchn_destroy, foreign_entries_release,
	clear_descs, clear_window, free_nested_tables, free_frames,
};

/* The flag first: who looks when it is told sees it. */
static void end(struct domain *d)
{
	__atomic_store_n(&d->is_dead, true, __ATOMIC_SEQ_CST);
	raise_global_virq(VIRQ_DOM_EXC);
	put_domain(d);
}

int domain_destroy_some(struct domain *d)
{
	while (d->end_stage < ARRAY_SIZE(stages)) {
		int rc = stages[index_nospec(d->end_stage, ARRAY_SIZE(stages))](d);

		if (rc)
			return rc;
		d->end_stage++;
	}
	if (!d->is_dead)
		end(d);
	return 0;
}

long domain_destroy_by_control(domid_t domid)
{
	struct domain *d = get_domain_from(domid);
	long rc = -ESRCH;

	if (!d)
		return rc;
	if (d->domid == domid)
		rc = d == current->domain ? -EINVAL : domain_destroy_some(d);
	put_domain(d);
	return rc;
}
