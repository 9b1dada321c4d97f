/* SPDX-License-Identifier: MIT */
/*
 * The machine as the tools see it: its nodes, sockets, cores and threads, and one pool.
 */
#define __XEN_TOOLS__ 1
#include <isola/memmap.h>
#include <isola/clock.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/nospec.h>
#include <isola/sched.h>
#include <asm/cpu_mask.h>
#include <asm/cpufeature.h>
#include <asm/frametable.h>
#include <asm/hvm.h>
#include <asm/numa.h>
#include <asm/percpu.h>
#include <asm/sysctl_machine.h>
#include <asm/topology.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

/* How many CPUs share CPU 0's socket, or its core. */
static u32 nr_together(struct topology t, bool of_core)
{
	u32 id = cpu_public[0].apic_id, nr = 0;

	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		u32 other = cpu_public[cpu].apic_id;

		nr += topology_socket(t, other) == topology_socket(t, id) &&
		      (!of_core || topology_core(t, other) == topology_core(t, id));
	}
	return nr;
}

long sysctl_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;
	struct topology t = topology_read();

	memset(p, 0, sizeof(*p));
	p->threads_per_core = nr_together(t, true);
	p->cores_per_socket = nr_together(t, false) / p->threads_per_core;
	p->nr_cpus = nr_cpus;
	p->max_cpu_id = nr_cpus - 1;
	p->nr_nodes = numa_nr_nodes;
	p->max_node_id = numa_nr_nodes - 1;
	p->cpu_khz = tsc_khz;
	p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
			  (hvm ? XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap : 0);
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

/* Of a node, or all; where in it is not told. */
long sysctl_availheap(struct xen_sysctl *op)
{
	struct xen_sysctl_availheap *a = &op->u.availheap;

	if (a->min_bitwidth || a->max_bitwidth)
		return -EOPNOTSUPP;
	if (a->node < 0)
		a->avail_bytes = nr_free_pages() << PAGE_SHIFT;
	else if ((u32)a->node < numa_nr_nodes)
		a->avail_bytes = nr_free_pages_of(index_nospec(a->node, NUMA_MAX_NODES))
				 << PAGE_SHIFT;
	else
		a->avail_bytes = 0;
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
	struct topology topology = topology_read();
	u32 nr = min(t->num_cpus, nr_cpus);

	for (u32 cpu = 0; t->cputopo.p && cpu < nr; cpu++) {
		u32 id = cpu_public[cpu].apic_id;
		struct xen_sysctl_cputopo topo = {
			topology_core(topology, id), topology_socket(topology, id),
			numa_node_of_cpu(id),
		};

		if (copy_to_guest(guest_elem((u64)t->cputopo.p, cpu, sizeof(topo)), &topo,
				  sizeof(topo)))
			return -EFAULT;
	}
	t->num_cpus = nr_cpus;
	return 0;
}

/* @to: an array, or NULL. Nobody asks for what is not wanted. */
static int tell_memory(u64 to, u32 node)
{
	struct xen_sysctl_meminfo mem = {
		numa_span_bytes(node), nr_free_pages_of(node) << PAGE_SHIFT,
	};

	return to ? copy_to_guest(guest_elem(to, node, sizeof(mem)), &mem, sizeof(mem)) : 0;
}

/* A row of as many as there are nodes. */
static int tell_distances(u64 to, u32 node)
{
	u32 row[NUMA_MAX_NODES];

	static_assert(NUMA_UNKNOWN == XEN_INVALID_NODE_DIST && NUMA_UNKNOWN == XEN_INVALID_NODE_ID,
		      "the ABI's words for what is not known");
	for (u32 other = 0; other < numa_nr_nodes; other++)
		row[other] = numa_distance(node, other);
	return to ? copy_to_guest(guest_elem(to, node * numa_nr_nodes, sizeof(row[0])), row,
				  numa_nr_nodes * sizeof(row[0])) : 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *n = &op->u.numainfo;
	u32 nr = min(n->num_nodes, numa_nr_nodes);

	for (u32 node = 0; node < nr; node++)
		if (tell_memory((u64)n->meminfo.p, node) ||
		    tell_distances((u64)n->distance.p, node))
			return -EFAULT;
	n->num_nodes = numa_nr_nodes;
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
