/* SPDX-License-Identifier: MIT */
/*
 * The machine as the tools see it: one node, one pool, one socket of as many cores as there are
 * CPUs, whatever they are made of.
 */
#define __XEN_TOOLS__ 1
#include <isola/memmap.h>
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/sched.h>
#include <asm/cpu_mask.h>
#include <asm/cpufeature.h>
#include <asm/frametable.h>
#include <asm/percpu.h>
#include <asm/sysctl_machine.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define SELF_DISTANCE 10		/* ACPI's SLIT: of a node to itself */

long sysctl_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;

	memset(p, 0, sizeof(*p));
	p->threads_per_core = 1;
	p->cores_per_socket = p->nr_cpus = nr_cpus;
	p->max_cpu_id = nr_cpus - 1;
	p->nr_nodes = 1;
	p->cpu_khz = tsc_khz;
	p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
	p->total_pages = boot_memmap_bytes(&boot_info.memmap, BOOT_MEM_RAM) >> PAGE_SHIFT;
	p->free_pages = nr_free_pages();
	p->outstanding_pages = nr_claimed_pages();
	p->max_mfn = max_page - 1;
	memcpy(p->hw_cap, cpu_features, sizeof(p->hw_cap));
	return 0;
}

/* The one there is divides by weight, as credit2 does. */
long sysctl_sched_id(struct xen_sysctl *op)
{
	op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

static long set_rate_limit(u32 us)
{
	if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
		return -EINVAL;
	sched_set_rate_limit(MICROSECS(us));
	return 0;
}

long sysctl_scheduler(struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->cpupool_id || s->sched_id != XEN_SCHEDULER_CREDIT2)
		return s->cpupool_id ? -ESRCH : -EINVAL;
	switch (s->cmd) {
	case XEN_SYSCTL_SCHEDOP_getinfo:
		s->u.sched_credit2.ratelimit_us = sched_rate_limit() / MICROSECS(1);
		return 0;
	case XEN_SYSCTL_SCHEDOP_putinfo:
		return set_rate_limit(s->u.sched_credit2.ratelimit_us);
	default:
		return -EINVAL;
	}
}

long sysctl_getcpuinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
	u32 nr = min(g->max_cpus, nr_cpus);

	for (u32 cpu = 0; cpu < nr; cpu++) {
		struct xen_sysctl_cpuinfo info = { .idletime = sched_idle_time(cpu) };

		if (copy_to_guest(guest_elem((u64)g->info.p, cpu, sizeof(info)), &info,
				  sizeof(info)))
			return -EFAULT;
	}
	g->nr_cpus = nr;
	return 0;
}

/* Of the one node, or all; where in it is not told. */
long sysctl_availheap(struct xen_sysctl *op)
{
	struct xen_sysctl_availheap *a = &op->u.availheap;

	if (a->min_bitwidth || a->max_bitwidth)
		return -EOPNOTSUPP;
	a->avail_bytes = a->node > 0 ? 0 : nr_free_pages() << PAGE_SHIFT;
	return 0;
}

/* What guests see of CPUID does not depend on what the processor can hide by itself. */
long sysctl_levelling(struct xen_sysctl *op)
{
	op->u.cpu_levelling_caps.caps = 0;
	return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
	u32 nr = min(t->num_cpus, nr_cpus);

	for (u32 cpu = 0; t->cputopo.p && cpu < nr; cpu++) {
		struct xen_sysctl_cputopo topo = { .core = cpu };

		if (copy_to_guest(guest_elem((u64)t->cputopo.p, cpu, sizeof(topo)), &topo,
				  sizeof(topo)))
			return -EFAULT;
	}
	t->num_cpus = nr_cpus;
	return 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *n = &op->u.numainfo;
	struct xen_sysctl_meminfo mem = {
		.memsize = max_page << PAGE_SHIFT, .memfree = nr_free_pages() << PAGE_SHIFT,
	};
	u32 distance = SELF_DISTANCE;

	if (n->num_nodes && n->meminfo.p &&
	    copy_to_guest((u64)n->meminfo.p, &mem, sizeof(mem)))
		return -EFAULT;
	if (n->num_nodes && n->distance.p &&
	    copy_to_guest((u64)n->distance.p, &distance, sizeof(distance)))
		return -EFAULT;
	n->num_nodes = 1;
	return 0;
}

/* ---- The one pool ---------------------------------------------------------------------------- */

/* CPUs [0, @nr). */
static long give_cpus(const struct xenctl_bitmap *to, u32 nr)
{
	cpu_mask mask = { 0 };

	bitmap_set_range(mask, 0, nr);
	return cpu_mask_to_guest(to, mask);
}

static u32 nr_domains(void)
{
	struct domain *d;
	u32 nr = 0;

	for (domid_t next = 0; (d = get_domain_from(next)); nr++) {
		next = d->domid + 1;
		put_domain(d);
	}
	return nr;
}

long sysctl_cpupool(struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (p->cpupool_id)
			return -ENOENT;
		p->sched_id = XEN_SCHEDULER_CREDIT2;
		p->n_dom = nr_domains();
		return give_cpus(&p->cpumap, nr_cpus);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return give_cpus(&p->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_CREATE:
	case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
	case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
	case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return -EOPNOTSUPP;
	default:
		return -ENOSYS;
	}
}
