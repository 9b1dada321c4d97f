/* SPDX-License-Identifier: MIT */
/*
 * Sysctl and domctl: what the control domain's tools ask first.
 *
 * The rule: versions are exact, a null buffer asks how many there are, what does not exist has the
 * error that the tools wait for; and nobody but the control domain is told anything.
 */
#define TOPIC "tools"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/hypfs.h>
#include <xen/vcpu.h>
#include <xen/sysctl.h>

static struct xen_sysctl sys;

static long sysctl(uint32_t cmd)
{
	sys.cmd = cmd;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return HC1(sysctl, &sys);
}

static void clear(void)
{
	memset(&sys, 0, sizeof(sys));
	memset(&domctl_op, 0, sizeof(domctl_op));
}

CLAIM_DOM0(versions, "sysctl and domctl of another interface version are -EACCES")
{
	clear();
	sys.cmd = XEN_SYSCTL_physinfo;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
	CHECK_ERR(HC1(sysctl, &sys), XEN_EACCES);
	domctl_op.cmd = XEN_DOMCTL_getdomaininfo;
	domctl_op.interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
	CHECK_ERR(HC1(domctl, &domctl_op), XEN_EACCES);
}

CLAIM_DOM0(unknown, "an unknown sysctl or domctl is -ENOSYS, one at a bad address -EFAULT")
{
	clear();
	CHECK_ERR(sysctl(0xffff), XEN_ENOSYS);
	CHECK_ERR(domctl(0xffff, 0), XEN_ENOSYS);
	CHECK_ERR(HC1(sysctl, UNMAPPED_POINTER), XEN_EFAULT);
	CHECK_ERR(HC1(domctl, UNMAPPED_POINTER), XEN_EFAULT);
}

CLAIM_DOM0(physinfo, "physinfo: CPUs, nodes, PV domains, and no more free memory than there is")
{
	struct xen_sysctl_physinfo *p = &sys.u.physinfo;

	clear();
	CHECK_OK(sysctl(XEN_SYSCTL_physinfo));
	CHECK(p->nr_cpus >= 1 && p->max_cpu_id >= p->nr_cpus - 1);
	CHECK(p->nr_nodes >= 1 && p->max_node_id >= p->nr_nodes - 1);
	CHECK(p->threads_per_core >= 1 && p->cores_per_socket >= 1);
	CHECK(p->threads_per_core * p->cores_per_socket <= p->nr_cpus);
	CHECK(p->capabilities & XEN_SYSCTL_PHYSCAP_pv);
	CHECK(p->free_pages < p->total_pages && p->total_pages > start->nr_pages);
	CHECK(p->max_mfn >= p->total_pages - 1);
	CHECK(p->cpu_khz > 1000);
	CHECK(p->hw_cap[0] & 1);		/* a CPU with an FPU */
	print("#   %lu pages are free\n", p->free_pages);
	print("#   %u threads a core, %u cores a socket, %u nodes\n", p->threads_per_core,
	      p->cores_per_socket, p->nr_nodes);
}

CLAIM_DOM0(own_info, "getdomaininfo of dom0: running, its own shared_info, pages and vCPUs")
{
	struct xen_domctl_getdomaininfo *i = &domctl_op.u.getdomaininfo;

	clear();
	CHECK_OK(domctl(XEN_DOMCTL_getdomaininfo, 0));
	CHECK_EQ(domctl_op.domain, 0);
	CHECK_EQ(i->domain, 0);
	CHECK(i->flags & XEN_DOMINF_running);
	CHECK(!(i->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused |
			    XEN_DOMINF_blocked | XEN_DOMINF_hvm_guest)));
	CHECK_EQ(i->shared_info_frame, start->shared_info / PAGE_BYTES);
	CHECK(i->tot_pages >= 1000 && i->tot_pages <= i->max_pages);
	CHECK(i->nr_online_vcpus >= 1 && i->nr_online_vcpus <= i->max_vcpu_id + 1);
	CHECK(i->cpu_time > 0);
}

CLAIM_DOM0(no_more, "getdomaininfo from a number beyond the last domain's on is -ESRCH")
{
	clear();
	CHECK_ERR(domctl(XEN_DOMCTL_getdomaininfo, 0x7fef), XEN_ESRCH);
	CHECK_ERR(domctl(XEN_DOMCTL_getvcpuinfo, 0x7fef), XEN_ESRCH);
}

CLAIM_DOM0(list, "getdomaininfolist fills as many as it is asked for, from a number on")
{
	struct xen_domctl_getdomaininfo *list = page_alloc();
	struct xen_sysctl_getdomaininfolist *l = &sys.u.getdomaininfolist;

	clear();
	l->max_domains = 1;
	l->buffer.p = list;
	CHECK_OK(sysctl(XEN_SYSCTL_getdomaininfolist));
	CHECK_EQ(l->num_domains, 1);
	CHECK_EQ(list[0].domain, 0);
	CHECK_EQ(list[0].shared_info_frame, start->shared_info / PAGE_BYTES);
	clear();
	l->first_domain = 0x7fef;
	l->max_domains = 4;
	l->buffer.p = list;
	CHECK_OK(sysctl(XEN_SYSCTL_getdomaininfolist));
	CHECK_EQ(l->num_domains, 0);
	clear();
	l->max_domains = 1;
	l->buffer.p = UNMAPPED_POINTER;
	CHECK_ERR(sysctl(XEN_SYSCTL_getdomaininfolist), XEN_EFAULT);
}

CLAIM_DOM0(vcpu, "getvcpuinfo of ourselves: online and running; of a vCPU that there is not, "
	   "-EINVAL")
{
	struct xen_domctl_getvcpuinfo *i = &domctl_op.u.getvcpuinfo;

	clear();
	CHECK_OK(domctl(XEN_DOMCTL_getvcpuinfo, 0));
	CHECK(i->online && i->running && !i->blocked && i->cpu_time > 0);
	clear();
	i->vcpu = 0xffff;
	CHECK_ERR(domctl(XEN_DOMCTL_getvcpuinfo, 0), XEN_EINVAL);
}

CLAIM_DOM0(topology, "cputopoinfo: a null buffer asks how many, then a core, a socket and a node "
		     "of each")
{
	struct xen_sysctl_cputopoinfo *t = &sys.u.cputopoinfo;
	xen_sysctl_cputopo_t *topo = page_alloc();
	uint32_t nr;

	clear();
	CHECK_OK(sysctl(XEN_SYSCTL_cputopoinfo));
	nr = t->num_cpus;
	CHECK(nr >= 1);
	t->cputopo.p = topo;
	topo[0].core = 7777;
	CHECK_OK(sysctl(XEN_SYSCTL_cputopoinfo));
	CHECK_EQ(t->num_cpus, nr);
	CHECK(topo[0].core != 7777);
	for (uint32_t i = 0; i < nr; i++)
		print("#   CPU %u: core %u, socket %u, node %u\n", i, topo[i].core, topo[i].socket,
		      topo[i].node);
}

CLAIM_DOM0(nodes, "numainfo: a null buffer asks how many, then memory and distances of each; a "
		  "node is nearest to itself")
{
	struct xen_sysctl_numainfo *n = &sys.u.numainfo;
	xen_sysctl_meminfo_t *mem = page_alloc();
	uint32_t nr, *distance = page_alloc();
	uint64_t sum = 0, free = 0;

	clear();
	CHECK_OK(sysctl(XEN_SYSCTL_numainfo));
	nr = n->num_nodes;
	CHECK(nr >= 1 && nr <= 16);
	n->meminfo.p = mem;
	n->distance.p = distance;
	CHECK_OK(sysctl(XEN_SYSCTL_numainfo));
	CHECK_EQ(n->num_nodes, nr);
	for (uint32_t i = 0; i < nr; i++) {
		CHECK_EQ(distance[i * nr + i], 10);
		for (uint32_t k = 0; k < nr; k++)
			CHECK(distance[i * nr + k] >= 10);
		CHECK(mem[i].memfree <= mem[i].memsize);
		sum += mem[i].memsize;
		free += mem[i].memfree;
		print("#   node %u: %lu MiB, %u and %u\n", i, mem[i].memsize >> 20,
		      distance[i * nr], distance[i * nr + nr - 1]);
	}
	CHECK(sum >= start->nr_pages * PAGE_BYTES);
	clear();
	CHECK_OK(sysctl(XEN_SYSCTL_physinfo));
	CHECK_EQ(sys.u.physinfo.nr_nodes, nr);
	CHECK_EQ(sys.u.physinfo.free_pages * PAGE_BYTES, free);
}

CLAIM_DOM0(pool, "cpupool_op INFO: pool 0 has all domains; beyond the last pool it is -ENOENT")
{
	struct xen_sysctl_cpupool_op *p = &sys.u.cpupool_op;
	uint8_t *map = page_alloc();

	clear();
	p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	p->cpumap.nr_bits = 64;
	p->cpumap.bitmap.p = map;
	CHECK_OK(sysctl(XEN_SYSCTL_cpupool_op));
	CHECK_EQ(p->cpupool_id, 0);
	CHECK(p->n_dom >= 1);
	CHECK(map[0] & 1);
	p->cpupool_id = 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_cpupool_op), XEN_ENOENT);
}

static long put_share(uint16_t weight, uint16_t cap)
{
	struct xen_domctl_scheduler_op *s = &domctl_op.u.scheduler_op;

	*s = (struct xen_domctl_scheduler_op){
		.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo,
		.u.credit2 = { .weight = weight, .cap = cap },
	};
	return domctl(XEN_DOMCTL_scheduler_op, 0);
}

static uint16_t get_cap(void)
{
	domctl_op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	CHECK_OK(domctl(XEN_DOMCTL_scheduler_op, 0));
	return domctl_op.u.scheduler_op.u.credit2.cap;
}

static uint32_t nr_vcpus(void)
{
	CHECK_OK(domctl(XEN_DOMCTL_getdomaininfo, 0));
	return domctl_op.u.getdomaininfo.max_vcpu_id + 1;
}

CLAIM_DOM0(cap, "scheduler_op: a cap that was put is got back, up to 100 for each vCPU; more is "
	   "-EINVAL, 0 none; a weight of 0 keeps what there is")
{
	uint16_t most = (uint16_t)(100 * nr_vcpus());

	CHECK_OK(put_share(300, most));
	CHECK_EQ(get_cap(), most);
	CHECK_ERR(put_share(0, most + 1), XEN_EINVAL);
	CHECK_EQ(get_cap(), most);
	CHECK_OK(put_share(0, 0));
	CHECK_EQ(get_cap(), 0);
	CHECK_EQ(domctl_op.u.scheduler_op.u.credit2.weight, 300);
	CHECK_OK(put_share(256, 0));
}

/* How many in a thousand of the next @ms this vCPU, always busy, runs. */
static uint64_t share_of_next(uint64_t ms)
{
	struct vcpu_runstate_info was, is;
	uint64_t all = 0;

	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, 0, &was));
	WAIT_FOR(false, ms);
	CHECK_OK(HC3(vcpu_op, VCPUOP_get_runstate_info, 0, &is));
	for (int i = 0; i < 4; i++)
		all += is.time[i] - was.time[i];
	CHECK(all >= ms * MS_NS);
	return (is.time[RUNSTATE_running] - was.time[RUNSTATE_running]) * 1000 / all;
}

CLAIM_DOM0(cap_holds, "a vCPU that is always busy, with a cap of 40, has 40 % of half a second, "
	   "within a twentieth; and all of the next when the cap is gone")
{
	uint64_t had;

	if (!strstr((const char *)start->cmd_line, "tools/cap_holds"))
		skip("icount.t runs it, where nobody but the guest takes its time");
	CHECK_OK(put_share(0, 40));
	had = share_of_next(500);
	CHECK_OK(put_share(0, 0));
	CHECK_SAY(had >= 380 && had <= 420, "it had %lu in a thousand", had);
	had = share_of_next(50);
	CHECK_SAY(had >= 900, "then it had %lu in a thousand", had);
}

CLAIM_DOM0(rate_limit, "sysctl scheduler_op: a rate limit that was put is got back; one that is "
	   "too short or too long is -EINVAL")
{
	struct xen_sysctl_scheduler_op *s = &sys.u.scheduler_op;
	uint32_t before;

	clear();
	s->sched_id = XEN_SCHEDULER_CREDIT2;
	s->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	CHECK_OK(sysctl(XEN_SYSCTL_scheduler_op));
	before = s->u.sched_credit2.ratelimit_us;
	s->cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	s->u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MIN - 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_scheduler_op), XEN_EINVAL);
	s->u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MAX + 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_scheduler_op), XEN_EINVAL);
	s->u.sched_credit2.ratelimit_us = 700;
	CHECK_OK(sysctl(XEN_SYSCTL_scheduler_op));
	s->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	CHECK_OK(sysctl(XEN_SYSCTL_scheduler_op));
	CHECK_EQ(s->u.sched_credit2.ratelimit_us, 700);
	s->cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	s->u.sched_credit2.ratelimit_us = before;
	CHECK_OK(sysctl(XEN_SYSCTL_scheduler_op));
}

CLAIM_DOM0(weight, "scheduler_op: a weight that was put is got back; another scheduler is -EINVAL")
{
	struct xen_domctl_scheduler_op *s = &domctl_op.u.scheduler_op;
	uint16_t before;

	clear();
	CHECK_OK(sysctl(XEN_SYSCTL_sched_id));
	CHECK_EQ(sys.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
	s->sched_id = XEN_SCHEDULER_CREDIT2;
	s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	CHECK_OK(domctl(XEN_DOMCTL_scheduler_op, 0));
	before = s->u.credit2.weight;
	s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	s->u.credit2.weight = 300;
	CHECK_OK(domctl(XEN_DOMCTL_scheduler_op, 0));
	s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	CHECK_OK(domctl(XEN_DOMCTL_scheduler_op, 0));
	CHECK_EQ(s->u.credit2.weight, 300);
	s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	s->u.credit2.weight = before;
	CHECK_OK(domctl(XEN_DOMCTL_scheduler_op, 0));
	s->sched_id = XEN_SCHEDULER_RTDS;
	CHECK_ERR(domctl(XEN_DOMCTL_scheduler_op, 0), XEN_EINVAL);
}

CLAIM_DOM0(affinity, "the hard affinity of a vCPU is got, put, and comes back as it is effective; "
	   "without a CPU that there is, it is -EINVAL")
{
	struct xen_domctl_vcpuaffinity *a = &domctl_op.u.vcpuaffinity;
	uint8_t *mask = page_alloc(), before;

	clear();
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.nr_bits = 8;
	a->cpumap_hard.bitmap.p = mask;
	CHECK_OK(domctl(XEN_DOMCTL_getvcpuaffinity, 0));
	CHECK(mask[0] & 1);
	before = mask[0];
	mask[0] = 1;
	CHECK_OK(domctl(XEN_DOMCTL_setvcpuaffinity, 0));
	CHECK_EQ(mask[0], 1);
	CHECK_OK(domctl(XEN_DOMCTL_getvcpuaffinity, 0));
	CHECK_EQ(mask[0], 1);
	mask[0] = before;
	CHECK_OK(domctl(XEN_DOMCTL_setvcpuaffinity, 0));
	mask[0] = 0;
	CHECK_ERR(domctl(XEN_DOMCTL_setvcpuaffinity, 0), XEN_EINVAL);
	a->flags = 0;
	CHECK_ERR(domctl(XEN_DOMCTL_getvcpuaffinity, 0), XEN_EINVAL);
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->vcpu = 0xffff;
	CHECK_ERR(domctl(XEN_DOMCTL_getvcpuaffinity, 0), XEN_EINVAL);
}

/* Where domain 1 is, by option "other": it runs, and is not idle. */
static uint64_t cpu_time_of_other(void)
{
	clear();
	CHECK_OK(domctl(XEN_DOMCTL_getdomaininfo, 1));
	CHECK_EQ(domctl_op.domain, 1);
	return domctl_op.u.getdomaininfo.cpu_time;
}

static void some_time(void)
{
	uint64_t end = clock_ns() + 50000000;

	while (clock_ns() < end)
		HC2(sched_op, SCHEDOP_yield, 0);
}

CLAIM_DOM0(pause, "a domain that is paused gets no time and says so; pauses are counted; "
	   "unpaused, it goes on")
{
	uint64_t before;

	if (!option("other"))
		skip("no other domain is said to be there");
	CHECK_ERR(domctl(XEN_DOMCTL_pausedomain, 0), XEN_EINVAL);
	CHECK_ERR(domctl(XEN_DOMCTL_unpausedomain, 1), XEN_EINVAL);
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, 1));
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, 1));
	before = cpu_time_of_other();
	CHECK(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused);
	CHECK(!(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_running));
	some_time();
	CHECK_EQ(cpu_time_of_other(), before);
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, 1));
	some_time();
	CHECK_EQ(cpu_time_of_other(), before);
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, 1));
	some_time();
	CHECK(cpu_time_of_other() > before);
	CHECK(!(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused));
}

CLAIM_DOM0(featureset, "get_cpu_featureset: a null buffer asks how many words; too little room is "
	   "-ENOBUFS")
{
	struct xen_sysctl_cpu_featureset *f = &sys.u.cpu_featureset;
	uint32_t nr, *words = page_alloc();

	clear();
	f->index = XEN_SYSCTL_cpu_featureset_host;
	CHECK_OK(sysctl(XEN_SYSCTL_get_cpu_featureset));
	nr = f->nr_features;
	CHECK(nr >= 12 && nr < 64);
	f->features.p = words;
	CHECK_OK(sysctl(XEN_SYSCTL_get_cpu_featureset));
	CHECK(words[0] & 1);
	f->nr_features = 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_get_cpu_featureset), XEN_ENOBUFS);
	f->index = 99;
	CHECK_ERR(sysctl(XEN_SYSCTL_get_cpu_featureset), XEN_EINVAL);
}

CLAIM_DOM0(policy, "get_cpu_policy: null buffers ask how many leaves and MSRs; leaf 0 comes first")
{
	struct xen_sysctl_cpu_policy *p = &sys.u.cpu_policy;
	xen_cpuid_leaf_t *leaves = page_alloc();
	xen_msr_entry_t *msrs = page_alloc();

	clear();
	p->index = XEN_SYSCTL_cpu_policy_pv_default;
	CHECK_OK(sysctl(XEN_SYSCTL_get_cpu_policy));
	CHECK(p->nr_leaves > 10 && p->nr_leaves < PAGE_BYTES / sizeof(*leaves));
	p->leaves.p = leaves;
	p->msrs.p = msrs;
	CHECK_OK(sysctl(XEN_SYSCTL_get_cpu_policy));
	CHECK(p->nr_leaves > 4);
	CHECK_EQ(leaves[0].leaf, 0);
	CHECK_EQ(leaves[0].subleaf, XEN_CPUID_NO_SUBLEAF);
	CHECK(leaves[0].a >= 1);
	p->nr_leaves = 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_get_cpu_policy), XEN_ENOBUFS);
	p->index = 99;
	CHECK_ERR(sysctl(XEN_SYSCTL_get_cpu_policy), XEN_EINVAL);
}

static long press(const char *keys)
{
	clear();
	sys.u.debug_keys.keys.p = (char *)keys;
	sys.u.debug_keys.nr_keys = strlen(keys);
	return sysctl(XEN_SYSCTL_debug_keys);
}

/* Does @line stand in the log, behind the one that was found last? */
static bool is_in_log(const char *line)
{
	static char text[PAGE_BYTES];
	static uint32_t index;
	struct xen_sysctl_readconsole *r = &sys.u.readconsole;
	const char *found;

	do {
		clear();
		r->incremental = 1;
		r->index = index;
		r->buffer.p = text;
		r->count = sizeof(text) - 1;
		CHECK_OK(sysctl(XEN_SYSCTL_readconsole));
		text[r->count] = 0;
		found = strstr(text, line);
		index = r->index - (found ? r->count - (found + strlen(line) - text) : 0);
	} while (r->count && !found);
	return found;
}

/* Keys are told when there is time for it, by either hypervisor. */
static bool is_told(const char *line)
{
	uint64_t end = clock_ns() + 2000000000;

	while (!is_in_log(line)) {
		if (clock_ns() > end)
			return false;
		HC2(sched_op, SCHEDOP_yield, 0);
	}
	return true;
}

CLAIM_DOM0(log, "debug_keys h puts lines into the log, and readconsole finds them there")
{
	CHECK_OK(press("h"));
	CHECK(is_told("'h' pressed -> "));
}

CLAIM_DOM0(keys, "each of several debug keys is told, and a key that is none is none's; keys at a "
	   "bad address are -EFAULT")
{
	const char *keys = on_isola ? "qemrgiadt" : "qe";	/* Xen says it so of few */

	for (unsigned int i = 0; keys[i]; i++) {
		char one[2] = { keys[i], 0 }, line[] = "'?' pressed -> ";

		line[1] = keys[i];
		CHECK_OK(press(one));
		CHECK_SAY(is_told(line), "nothing was told of '%c'", keys[i]);
	}
	CHECK_OK(press("\x01"));
	clear();
	sys.u.debug_keys.keys.p = UNMAPPED_POINTER;
	sys.u.debug_keys.nr_keys = 1;
	CHECK_ERR(sysctl(XEN_SYSCTL_debug_keys), XEN_EFAULT);
}

/* Of Isola's own: how it says it. */
CLAIM_ISOLA_ONLY(keys_say, "what keys tell: our vCPU, a CPU, the clock",
		 "the words are its own")
{
	if (!(start->flags & SIF_INITDOMAIN))
		skip("only in dom0");
	CHECK_OK(press("q"));
	CHECK(is_told("Domain 0: "));
	CHECK(is_told("  vcpu 0: runnable, "));
	CHECK_OK(press("d"));
	CHECK(is_told("CPU 0: "));
	CHECK_OK(press("*"));
	CHECK(is_told("'t' pressed -> show the clock"));
	CHECK(is_told("system time "));
}

/* Read @path of the hypervisor's file system into @buffer of @size bytes. */
static long hypfs_read(const char *path, unsigned int bytes, void *buffer, unsigned int size)
{
	return HC5(hypfs_op, XEN_HYPFS_OP_read, path, bytes, buffer, size);
}

static const char root[] = "/", minor[] = "/buildinfo/version/minor";

CLAIM_DOM0(hypfs, "the hypervisor's files: the root is a directory that names buildinfo, the "
	   "version in it is the ABI's, and a buffer that is too small is told what it lacks")
{
	struct {
		struct xen_hypfs_direntry e;
		uint32_t word[60];
	} *r = page_alloc();
	const struct xen_hypfs_dirlistentry *entry = (const void *)r->word;
	bool found = false;

	CHECK_EQ(HC5(hypfs_op, XEN_HYPFS_OP_get_version, 0, 0, 0, 0), XEN_HYPFS_VERSION);
	CHECK_OK(hypfs_read(root, sizeof(root), r, sizeof(*r)));
	CHECK_EQ(r->e.type, XEN_HYPFS_TYPE_DIR);
	while (true) {
		found |= !strcmp(entry->name, "buildinfo") && entry->e.type == XEN_HYPFS_TYPE_DIR;
		if (!entry->off_next)
			break;
		entry = (const void *)((const char *)entry + entry->off_next);
	}
	CHECK(found);
	CHECK_OK(hypfs_read(minor, sizeof(minor), r, sizeof(*r)));
	CHECK_EQ(r->e.type, XEN_HYPFS_TYPE_UINT);
	CHECK_EQ(r->e.content_len, 4);
	CHECK_EQ(r->word[0], 17);
	r->e.content_len = 0;
	CHECK_ERR(hypfs_read(minor, sizeof(minor), r, sizeof(r->e)), XEN_ENOBUFS);
	CHECK_EQ(r->e.content_len, 4);
}

CLAIM_DOM0(hypfs_refusals, "a path that is none, that does not end or does not begin with / is "
	   "refused, and so is what writes the version")
{
	static const char absent[] = "/buildinfo/version/none", relative[] = "buildinfo";
	uint32_t *buffer = page_alloc();

	CHECK_ERR(hypfs_read(absent, sizeof(absent), buffer, 64), XEN_ENOENT);
	CHECK_ERR(hypfs_read(relative, sizeof(relative), buffer, 64), XEN_EINVAL);
	CHECK_ERR(hypfs_read(minor, sizeof(minor) - 1, buffer, 64), XEN_EINVAL);
	CHECK_ERR(hypfs_read(minor, 0, buffer, 64), XEN_EINVAL);
	CHECK_ERR(hypfs_read(UNMAPPED_POINTER, 8, buffer, 64), XEN_EFAULT);
	CHECK_ERR(HC5(hypfs_op, XEN_HYPFS_OP_write_contents, minor, sizeof(minor), buffer, 4),
		  XEN_EACCES);
	CHECK_ERR(HC5(hypfs_op, 77, minor, sizeof(minor), 0, 0), XEN_EOPNOTSUPP);
}
