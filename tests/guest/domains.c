/* SPDX-License-Identifier: MIT */
/*
 * Domains that claims of the control domain's make: see domains.h.
 */
#define TOPIC "domains"
#define __XEN_TOOLS__ 1
#include "clock.h"
#include "domains.h"
#include "memory.h"
#include "text.h"
#include <xen/memory.h>
#include <xen/sysctl.h>

struct xen_domctl domctl_op;
uint64_t given[NR_GIVEN];

long domctl(uint32_t cmd, domid_t domid)
{
	domctl_op.cmd = cmd;
	domctl_op.domain = domid;
	domctl_op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return HC1(domctl, &domctl_op);
}

/* What xl asks for, with two vCPUs. */
struct xen_domctl_createdomain *config(void)
{
	struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;

	memset(&domctl_op, 0, sizeof(domctl_op));
	memcpy(c->handle, "sixteen letters.", sizeof(c->handle));
	c->max_vcpus = 2;
	c->max_evtchn_port = 1023;
	c->max_grant_frames = c->max_maptrack_frames = -1;
	c->grant_opts = XEN_DOMCTL_GRANT_version(1);
	return c;
}

domid_t create(void)
{
	config();
	CHECK_OK(domctl(XEN_DOMCTL_createdomain, ANY));
	return domctl_op.domain;
}

long max_vcpus(domid_t domid, uint32_t nr)
{
	domctl_op.u.max_vcpus.max = nr;
	return domctl(XEN_DOMCTL_max_vcpus, domid);
}

void max_mem(domid_t domid, uint64_t pages)
{
	domctl_op.u.max_mem.max_memkb = pages * (PAGE_BYTES / 1024);
	CHECK_OK(domctl(XEN_DOMCTL_max_mem, domid));
}

void destroy(domid_t domid)
{
	CHECK_OK(domctl(XEN_DOMCTL_destroydomain, domid));
}

bool is_there(domid_t domid)
{
	return !domctl(XEN_DOMCTL_getdomaininfo, domid) && domctl_op.domain == domid;
}

bool is_gone(uint64_t domid)
{
	return !is_there((domid_t)domid);
}

void need_nested_paging(void)
{
	static struct xen_sysctl sys;

	sys.cmd = XEN_SYSCTL_physinfo;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	CHECK_OK(HC1(sysctl, &sys));
	if (!(sys.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_hap))
		skip("this machine has no nested paging");
}

uint64_t free_pages(void)
{
	static struct xen_sysctl sys;

	sys.cmd = XEN_SYSCTL_physinfo;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	CHECK_OK(HC1(sysctl, &sys));
	return sys.u.physinfo.free_pages;
}

/* populate_physmap of @nr frames with the names from @pfn on: how many came. */
long populate(domid_t domid, uint32_t nr, uint64_t pfn)
{
	struct xen_memory_reservation r = { .nr_extents = nr, .domid = domid };

	for (uint32_t i = 0; i < nr; i++)
		given[i] = pfn + i;
	r.extent_start.p = (xen_pfn_t *)given;
	return HC2(memory_op, XENMEM_populate_physmap, &r);
}

/* Map frame @mfn of @domid at window @w, or nothing (0). */
long map_foreign(unsigned int w, uint64_t mfn, uint64_t flags, domid_t domid)
{
	struct mmu_update u = {
		.ptr = maddr_of(entry_of(window(w), 1)) | MMU_NORMAL_PT_UPDATE,
		.val = mfn ? make_pte(mfn, flags) : 0,
	};
	long rc = HC4(mmu_update, &u, 1, 0, domid);

	mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0);
	return rc;
}

long extent_by_gfn(domid_t domid, unsigned int cmd, uint64_t gfn, unsigned int order)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = order,
					    .domid = domid };

	given[0] = gfn;
	r.extent_start.p = (xen_pfn_t *)given;
	return HC2(memory_op, cmd, &r);
}

long shadow_op(domid_t domid, uint32_t what, uint32_t mode, void *to, uint64_t pages)
{
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.u.shadow_op.op = what;
	domctl_op.u.shadow_op.mode = mode;
	domctl_op.u.shadow_op.dirty_bitmap.p = to;
	domctl_op.u.shadow_op.pages = pages;
	return domctl(XEN_DOMCTL_shadow_op, domid);
}

void set_foreign_word(domid_t domid, uint64_t mfn, unsigned int i, uint64_t val)
{
	CHECK_OK(map_foreign(0, mfn, PTE_RW_PAGE, domid));
	((volatile uint64_t *)window(0))[i] = val;
	CHECK_OK(map_foreign(0, 0, 0, domid));
}

/* Xen takes its time to free what it is done with; Isola has none of it when the call is over. */
bool becomes(bool (*so)(uint64_t), uint64_t arg)
{
	uint64_t end = clock_ns() + 1000000000;

	while (!so(arg)) {
		if (on_isola || clock_ns() > end)
			return false;
		HC2(sched_op, SCHEDOP_yield, 0);
	}
	return true;
}

/* Xen's own heap keeps a few. */
bool are_free(uint64_t nr)
{
	return on_isola ? free_pages() == nr : free_pages() + 50 >= nr;
}

domid_t create_with_tables(uint32_t nr, uint64_t pfn)
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, nr, pfn), nr);
	for (unsigned int i = 0; i < 4; i++)
		set_foreign_word(d, given[i], 5, make_pte(given[i + 1], PTE_RW_PAGE));
	return d;
}
