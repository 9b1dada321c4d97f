/* SPDX-License-Identifier: MIT */
/*
 * The life of a domain that the control domain makes, without running it: createdomain, max_vcpus,
 * memory, destroydomain.
 *
 * The rule: what cannot be made is refused before there is anything; what is told of a domain is
 * what it was made by; and when it is destroyed everything of it comes back, to the frame, as soon
 * as nobody holds any of it.
 */
#define TOPIC "life"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

static long node_affinity(uint32_t cmd, domid_t domid, uint8_t *nodes)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.nodeaffinity.nodemap.nr_bits = 8;
	domctl_op.u.nodeaffinity.nodemap.bitmap.p = nodes;
	return domctl(cmd, domid);
}

static struct xen_domctl_getdomaininfo *info(domid_t domid)
{
	CHECK(is_there(domid));
	return &domctl_op.u.getdomaininfo;
}

CLAIM_DOM0(refusals, "createdomain with no or too many vCPUs, an unknown flag, grants of no "
	   "version or too high a one, or emulated devices is -EINVAL")
{
	config()->max_vcpus = 0;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->max_vcpus = 8193;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->flags = 1u << 31;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->grant_opts = 0;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->grant_opts = 3;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->grant_opts = 0x11;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->max_grant_frames = 1 << 20;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->arch.misc_flags = 2;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
	config()->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	CHECK(domctl(XEN_DOMCTL_createdomain, ANY) < 0);
	config()->iommu_opts = 1;
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, ANY), XEN_EINVAL);
}

CLAIM_DOM0(numbers, "createdomain gives the next number, not one that was just given back; a "
	   "number that is asked for is had, once")
{
	domid_t first = create(), second;

	CHECK(first > 0 && first < DOMID_FIRST_RESERVED);
	config();
	CHECK_ERR(domctl(XEN_DOMCTL_createdomain, first), XEN_EEXIST);
	destroy(first);
	CHECK(becomes(is_gone, first));
	second = create();
	CHECK_EQ(second, first + 1);
	destroy(second);
	config();
	CHECK_OK(domctl(XEN_DOMCTL_createdomain, 0x7000));
	CHECK_EQ(domctl_op.domain, 0x7000);
	destroy(0x7000);
	CHECK(becomes(is_gone, 0x7000));
}

CLAIM_DOM0(made, "a new domain is paused, has its handle and a shared_info, no memory and no "
	   "vCPUs; max_vcpus makes as many as were said, all down")
{
	domid_t d = create();
	struct xen_domctl_getdomaininfo *i = info(d);

	CHECK(i->flags & XEN_DOMINF_paused);
	CHECK(!(i->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_running)));
	CHECK(!memcmp(i->handle, "sixteen letters.", sizeof(i->handle)));
	CHECK_EQ(i->tot_pages, 0);
	CHECK(i->shared_info_frame && i->shared_info_frame != ~0ul);
	CHECK_EQ(i->nr_online_vcpus, 0);
	CHECK_EQ(i->max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
	CHECK_ERR(max_vcpus(d, 1), XEN_EINVAL);
	CHECK_ERR(max_vcpus(d, 3), XEN_EINVAL);
	CHECK_OK(max_vcpus(d, 2));
	CHECK_OK(max_vcpus(d, 2));
	i = info(d);
	CHECK_EQ(i->max_vcpu_id, 1);
	CHECK_EQ(i->nr_online_vcpus, 0);
	domctl_op.u.getvcpuinfo.vcpu = 1;
	CHECK_OK(domctl(XEN_DOMCTL_getvcpuinfo, d));
	CHECK(!domctl_op.u.getvcpuinfo.online && !domctl_op.u.getvcpuinfo.running);
	memcpy(domctl_op.u.setdomainhandle.handle, "another sixteen.", 16);
	CHECK_OK(domctl(XEN_DOMCTL_setdomainhandle, d));
	CHECK(!memcmp(info(d)->handle, "another sixteen.", 16));
	destroy(d);
	CHECK(becomes(is_gone, d));
}

CLAIM_DOM0(settings, "what xl sets: 64 bits, TSC mode 0 and 2, node 0, a CPU policy of no leaves; "
	   "16 bits, a TSC mode of 3 and no node are -EINVAL, as are most for oneself")
{
	domid_t d = create();
	uint8_t nodes = 1;

	CHECK_OK(max_vcpus(d, 2));
	domctl_op.u.address_size.size = 64;
	CHECK_OK(domctl(XEN_DOMCTL_set_address_size, d));
	domctl_op.u.address_size.size = 16;
	CHECK_ERR(domctl(XEN_DOMCTL_set_address_size, d), XEN_EINVAL);
	for (uint32_t mode = 0; mode < 3; mode += 2) {
		memset(&domctl_op.u, 0, sizeof(domctl_op.u));
		domctl_op.u.tsc_info.tsc_mode = mode;
		CHECK_OK(domctl(XEN_DOMCTL_settscinfo, d));
		CHECK_OK(domctl(XEN_DOMCTL_gettscinfo, d));
		CHECK_EQ(domctl_op.u.tsc_info.tsc_mode, mode);
	}
	domctl_op.u.tsc_info.tsc_mode = 3;
	CHECK_ERR(domctl(XEN_DOMCTL_settscinfo, d), XEN_EINVAL);
	CHECK_OK(node_affinity(XEN_DOMCTL_setnodeaffinity, d, &nodes));
	CHECK_OK(node_affinity(XEN_DOMCTL_getnodeaffinity, d, &nodes));
	CHECK_EQ(nodes, 1);
	nodes = 0;
	CHECK_ERR(node_affinity(XEN_DOMCTL_setnodeaffinity, d, &nodes), XEN_EINVAL);
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	CHECK_OK(domctl(XEN_DOMCTL_set_cpu_policy, d));
	domctl_op.u.cpu_policy.nr_leaves = 10000;
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, d), XEN_E2BIG);
	domctl_op.u.max_vcpus.max = 1;
	CHECK_ERR(domctl(XEN_DOMCTL_max_vcpus, 0), XEN_EINVAL);
	CHECK_ERR(domctl(XEN_DOMCTL_settscinfo, 0), XEN_EINVAL);
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, 0), XEN_EINVAL);
	destroy(d);
}

CLAIM_DOM0(ports, "a port can be opened on behalf of a domain that has its vCPUs, is bound by us, "
	   "and told of; when the domain is destroyed our end is unbound")
{
	domid_t d = create();
	struct evtchn_alloc_unbound u = { .dom = d, .remote_dom = DOMID_SELF };
	struct evtchn_status s = { .dom = DOMID_SELF };
	int port;

	CHECK_OK(max_vcpus(d, 2));
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &u));
	CHECK_EQ(u.port, 1);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &u));
	CHECK_EQ(u.port, 2);
	port = port_bind_interdomain(d, 1);
	CHECK(port > 0);
	CHECK_OK(port_send((uint32_t)port));
	CHECK_OK(port_status((uint32_t)port, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.dom, d);
	destroy(d);
	CHECK_OK(port_status((uint32_t)port, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK(becomes(is_gone, d));
}

CLAIM_DOM0(destroy_refusals, "destroydomain of oneself is -EINVAL, of nobody -ESRCH")
{
	CHECK_ERR(domctl(XEN_DOMCTL_destroydomain, 0), XEN_EINVAL);
	CHECK_ERR(domctl(XEN_DOMCTL_destroydomain, 0x7000), XEN_ESRCH);
}

CLAIM_DOM0(memory, "populate_physmap for another domain gives it frames with their names, up to "
	   "max_mem; decrease_reservation takes them back; nobody gets none")
{
	domid_t d = create(), which;
	struct xen_memory_reservation r = { .nr_extents = 8, .domid = d };
	uint64_t before;

	CHECK_EQ(populate(d, 1, 0), 0);			/* no max_mem yet */
	max_mem(d, 16);
	before = free_pages();
	CHECK_EQ(populate(d, 10, 0x100), 10);
	for (unsigned int i = 0; i < 10; i++)
		CHECK_EQ(pfn_of_mfn(given[i]), 0x100 + i);
	CHECK(free_pages() <= before - 10);
	which = d;
	CHECK_EQ(HC2(memory_op, XENMEM_current_reservation, &which), 10);
	CHECK_EQ(HC2(memory_op, XENMEM_maximum_reservation, &which), 16);
	r.extent_start.p = (xen_pfn_t *)given;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 8);
	CHECK_EQ(info(d)->tot_pages, 2);
	CHECK_EQ(populate(d, NR_GIVEN, 0), 14);
	CHECK_EQ(info(d)->tot_pages, 16);
	max_mem(d, 4);					/* it keeps what it has */
	CHECK_EQ(info(d)->tot_pages, 16);
	CHECK_EQ(populate(d, 1, 0), 0);
	CHECK_EQ(populate(0x7000, 1, 0), 0);
	which = 0x7000;
	CHECK_ERR(HC2(memory_op, XENMEM_current_reservation, &which), XEN_ESRCH);
	destroy(d);
}

CLAIM_DOM0(map, "the memory map that is set for another domain is its own to ask for; one of too "
	   "many entries is -EINVAL; there is no vNUMA")
{
	domid_t d = create();
	struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) e = { 0, 4096, 1 };
	struct xen_foreign_memory_map m = { .domid = d, .map = { .nr_entries = 1 } };
	struct xen_vnuma_topology_info v = { .domid = d };

	m.map.buffer.p = &e;
	CHECK_OK(HC2(memory_op, XENMEM_set_memory_map, &m));
	m.map.nr_entries = 100000;
	CHECK_ERR(HC2(memory_op, XENMEM_set_memory_map, &m), XEN_EINVAL);
	m.map.nr_entries = 1;
	m.domid = 0x7000;
	CHECK_ERR(HC2(memory_op, XENMEM_set_memory_map, &m), XEN_ESRCH);
	CHECK_ERR(HC2(memory_op, XENMEM_get_vnumainfo, &v), XEN_EOPNOTSUPP);
	destroy(d);
}

/* A whole small life. */
static void round(void)
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, NR_GIVEN, 0), NR_GIVEN);
	destroy(d);
	CHECK(becomes(is_gone, d));
}

CLAIM_DOM0(rounds, "100 domains with two vCPUs and 64 pages come and go, and as many pages are "
	   "free as before")
{
	uint64_t before;

	round();		/* what is kept for next time is kept once */
	before = free_pages();
	for (unsigned int i = 0; i < 100; i++)
		round();
	CHECK(becomes(are_free, before));
}

/*
 * A small domain as the tools make it: a context, ports of both ends, a frame that we map and one
 * that it lends us; in every other life something of it outlasts its end for a moment.
 */
static void whole_life(uint32_t number)
{
	struct gnttab_map_grant_ref m = { .host_addr = ARG(window(2)), .ref = 8,
					  .flags = GNTMAP_host_map };
	uint64_t table = 0;
	struct gnttab_setup_table t = { .nr_frames = 1, .frame_list.p = &table };
	domid_t d = create();
	struct evtchn_alloc_unbound u = { .dom = d, .remote_dom = DOMID_SELF };
	int port;

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, NR_GIVEN, 0), NR_GIVEN);
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &u));
	port = port_bind_interdomain(d, u.port);
	CHECK(port > 0);
	t.dom = m.dom = d;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &t, 1));
	set_foreign_word(d, table, m.ref, GTF_permit_access | (uint64_t)own_domid << 16 |
			 given[7] << 32);
	CHECK_OK(HC3(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
	CHECK_EQ(m.status, GNTST_okay);
	CHECK_OK(map_foreign(1, given[number % NR_GIVEN], PTE_RO_PAGE, d));
	if (number % 2)
		destroy(d);
	CHECK_OK(map_foreign(1, 0, 0, DOMID_SELF));
	CHECK_EQ(grant_unmap(m.handle, m.host_addr, 0), GNTST_okay);
	if (number % 2 == 0)
		destroy(d);
	CHECK_OK(port_close((uint32_t)port));
	CHECK(becomes(is_gone, d));
}

static uint32_t nr_lives(void)
{
	const char *s = option("rounds=");
	uint32_t nr = 0;

	while (s && *s >= '0' && *s <= '9')
		nr = nr * 10 + (uint32_t)(*s++ - '0');
	return nr ? nr : 300;		/* small objects are had 512 pages at a time */
}

CLAIM_DOM0(many, "domains with vCPUs, memory, ports, grants and frames that others map come and "
	   "go, 300 or rounds=N of them, and as many pages are free as before")
{
	uint32_t nr = nr_lives();
	uint64_t before;

	whole_life(0);
	whole_life(1);
	before = free_pages();
	for (uint32_t i = 0; i < nr; i++) {
		whole_life(i);
		if (i % 100 == 99)
			more_time();
	}
	note("%u domains: %lu pages free before and %lu after", nr, before, free_pages());
	CHECK(becomes(are_free, before));
}

CLAIM_DOM0(zombie, "a destroyed domain of which we map a frame is there, and dying, until we map "
	   "it no more; the frame reads as it was meanwhile")
{
	volatile uint64_t *page = window(0);
	uint64_t before;
	domid_t d;

	round();
	before = free_pages();
	d = create();
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, NR_GIVEN, 0), NR_GIVEN);
	CHECK_OK(map_foreign(0, given[5], PTE_RW_PAGE, d));
	CHECK_OK(map_foreign(1, given[5], PTE_RO_PAGE, d));
	page[7] = 0x1501a;
	destroy(d);
	CHECK(info(d)->flags & XEN_DOMINF_dying);
	CHECK_EQ(page[7], 0x1501a);
	CHECK_OK(domctl(XEN_DOMCTL_destroydomain, d));		/* it is done */
	CHECK_OK(map_foreign(0, 0, 0, DOMID_SELF));
	CHECK(info(d)->flags & XEN_DOMINF_dying);
	CHECK_OK(map_foreign(1, 0, 0, DOMID_SELF));
	CHECK(becomes(is_gone, d));
	CHECK(becomes(are_free, before));
}

static bool has_come(uint64_t port)
{
	return evtchn_count[port];
}

CLAIM_DOM0(told, "the control domain is told by VIRQ_DOM_EXC when a domain is destroyed, and once "
	   "more when the last of it has gone")
{
	long port = port_bind_virq(VIRQ_DOM_EXC, 0);
	domid_t d = create();

	CHECK(port > 0);
	port_unmask((uint32_t)port);
	max_mem(d, 1);
	CHECK_EQ(populate(d, 1, 0), 1);
	CHECK_OK(map_foreign(0, given[0], PTE_RO_PAGE, d));
	evtchn_count[port] = 0;
	destroy(d);
	CHECK(becomes(has_come, (uint64_t)port));
	CHECK(info(d)->flags & XEN_DOMINF_dying);
	evtchn_count[port] = 0;
	CHECK_OK(map_foreign(0, 0, 0, DOMID_SELF));
	CHECK(becomes(is_gone, d));
	CHECK(becomes(has_come, (uint64_t)port));
}

/*
 * Where domain 1 is at work, by option "other"; nothing is left of it. It is stopped first, so that
 * what it has does not change between two looks.
 */
CLAIM_ISOLA_ONLY(other_destroyed,
		 "a domain that is at work is destroyed: it is gone, and all of its pages are free",
		 "its first domain is the only one here")
{
	struct xen_domctl_getdomaininfo before;
	uint64_t free;

	if (!option("other"))
		skip("no other domain is said to be there");
	while (!info(1)->cpu_time)
		HC2(sched_op, SCHEDOP_yield, 0);
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, 1));
	before = *info(1);
	free = free_pages();
	destroy(1);
	CHECK(is_gone(1));
	/* Its memory, shared_info, and four pages of each vCPU; grant tables grow. */
	CHECK(free_pages() > free + before.tot_pages + 4 * (before.max_vcpu_id + 1));
	CHECK_ERR(domctl(XEN_DOMCTL_destroydomain, 1), XEN_ESRCH);
}

static uint64_t outstanding(void)
{
	static struct xen_sysctl sys;

	sys.cmd = XEN_SYSCTL_physinfo;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	CHECK_OK(HC1(sysctl, &sys));
	return sys.u.physinfo.outstanding_pages;
}

static long claim_pages(domid_t d, uint64_t nr, uint32_t order)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .extent_order = order, .domid = d };

	return HC2(memory_op, XENMEM_claim_pages, &r);
}

CLAIM_DOM0(claimed, "pages claimed for a domain are told of, fewer as it gets them, and go with "
	   "the claim or the domain; a second claim, and one for less than it has, are -EINVAL")
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_OK(claim_pages(d, 32, 0));
	CHECK_EQ(outstanding(), 32);
	CHECK_EQ(populate(d, 8, 0x100), 8);
	CHECK_EQ(outstanding(), 24);
	CHECK_ERR(claim_pages(d, 40, 0), XEN_EINVAL);
	CHECK_OK(claim_pages(d, 0, 0));
	CHECK_EQ(outstanding(), 0);
	CHECK_ERR(claim_pages(d, 8, 0), XEN_EINVAL);
	CHECK_ERR(claim_pages(d, NR_GIVEN + 1, 0), XEN_EINVAL);
	CHECK_ERR(claim_pages(d, 32, 1), XEN_EINVAL);
	CHECK_ERR(claim_pages(0x7000, 32, 0), XEN_EINVAL);
	max_mem(d, 1ul << 30);
	CHECK_ERR(claim_pages(d, free_pages() + 1000, 0), XEN_ENOMEM);
	CHECK_OK(claim_pages(d, 20, 0));		/* 8 of them it has */
	CHECK_EQ(outstanding(), 12);
	destroy(d);
	CHECK_EQ(outstanding(), 0);
}

CLAIM_DOM0(claimed_all, "what is claimed for one domain is given to no other")
{
	domid_t d = create(), other = create();
	uint64_t nr;

	CHECK_OK(max_vcpus(d, 1 + 1));
	CHECK_OK(max_vcpus(other, 2));
	max_mem(d, 1ul << 30);
	max_mem(other, NR_GIVEN);
	nr = free_pages();
	CHECK_OK(claim_pages(d, nr - 8, 0));
	CHECK(populate(other, NR_GIVEN, 0x100) < NR_GIVEN);
	CHECK_EQ(populate(d, NR_GIVEN, 0x100), NR_GIVEN);
	CHECK_OK(claim_pages(d, 0, 0));
	CHECK(populate(other, 16, 0x200) == 16);
	destroy(d);
	destroy(other);
}
