/* SPDX-License-Identifier: MIT */
/*
 * Rows of two domains: what the control domain does to the neighbour, and what passes between them.
 */
#define __XEN_TOOLS__ 1
#include "bench.h"
#include "clock.h"
#include "neighbour.h"
#include <xen/grant_table.h>

#define NR_FRAMES 1024u			/* of the largest foreign mapping */
#define REF_LENT 8u
#define NR_LIVES 5u			/* samples of a life: each takes millions of instructions */
#define LIFE_ORDER 9u
#define LIFE_EXTENTS 64u		/* of that order: 128 MiB */

static struct neighbour n;
static xen_pfn_t frames[NR_FRAMES];

static xen_memory_reservation_t extents(unsigned int nr, unsigned int order)
{
	xen_memory_reservation_t r = { .nr_extents = nr, .extent_order = order,
				       .domid = n.domid };

	for (unsigned int i = 0; i < nr; i++)
		frames[i] = 0x10000 + ((xen_pfn_t)i << order);
	r.extent_start.p = frames;
	return r;
}

static void give_back(unsigned int nr, unsigned int order)
{
	xen_memory_reservation_t r = { .nr_extents = nr, .extent_order = order,
				       .domid = n.domid };

	r.extent_start.p = frames;
	if (HC2(memory_op, XENMEM_decrease_reservation, &r) != nr)
		die("the neighbour does not give back its %u frames", nr);
}

static uint64_t populate_op(void *arg)
{
	unsigned int nr = *(unsigned int *)arg;
	xen_memory_reservation_t r = extents(nr, 0);
	uint64_t ticks = time_hypercall(__HYPERVISOR_memory_op, nr, XENMEM_populate_physmap,
					ARG(&r), 0, 0);

	give_back(nr, 0);
	return ticks;
}

/* Tables of ours whose entries the neighbour's frames are mapped by. */
static uint64_t *l1s[NR_FRAMES / 512];

/* @arg: how many frames, by one mmu_update; timed is the map. */
static uint64_t foreign_map(void *arg)
{
	static struct mmu_update u[NR_FRAMES];
	unsigned int nr = *(unsigned int *)arg;
	uint64_t ticks;

	for (unsigned int i = 0; i < nr; i++) {
		u[i].ptr = maddr_of(&l1s[i / 512][i % 512]) | MMU_NORMAL_PT_UPDATE;
		u[i].val = make_pte(frames[i], PTE_RW_PAGE);
	}
	ticks = time_hypercall(__HYPERVISOR_mmu_update, 0, ARG(u), nr, 0, n.domid);
	for (unsigned int i = 0; i < nr; i++)
		u[i].val = 0;
	MUST(HC4(mmu_update, u, nr, 0, n.domid));
	return ticks;
}

static void memory(void)
{
	static unsigned int one = 1, few = 16, many = 512, most = NR_FRAMES;
	xen_memory_reservation_t r;

	max_mem(n.domid, 4 * NR_FRAMES);
	row("populate-1", populate_op, &one, 0);
	row_per("populate-512", populate_op, &many, 0, many);
	r = extents(NR_FRAMES, 0);
	if (HC2(memory_op, XENMEM_populate_physmap, &r) != NR_FRAMES)
		die("the neighbour gets no memory");
	for (unsigned int i = 0; i < NR_FRAMES / 512; i++) {
		l1s[i] = table_alloc();
		MUST(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(l1s[i]), 0));
	}
	row_per("foreign-map-16", foreign_map, &few, 0, few);
	row_per("foreign-map-1024", foreign_map, &most, 0, most);
	give_back(NR_FRAMES, 0);
}

/* *@arg: whether the pin is timed, or else the unpin. */
static uint64_t pin_op(void *arg)
{
	struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = n.mfns[N_L4] };
	struct mmuext_op unpin = { .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = n.mfns[N_L4] };
	uint64_t pinned = TIME_HC(mmuext_op, &pin, 1, 0, n.domid);
	uint64_t unpinned = TIME_HC(mmuext_op, &unpin, 1, 0, n.domid);

	return *(bool *)arg ? pinned : unpinned;
}

static void tables(void)
{
	static bool no = false, yes = true;

	row("pin-foreign", pin_op, &yes, 0);
	row("unpin-foreign", pin_op, &no, 0);
}

/* The frame type of each of 512 frames, as before they are saved. */
static uint64_t types_op(void *arg)
{
	for (unsigned int i = 0; i < 512; i++)
		frames[i] = n.mfns[i % NEIGHBOUR_PAGES];
	domctl_op.cmd = XEN_DOMCTL_getpageframeinfo3;
	domctl_op.domain = n.domid;
	domctl_op.u.getpageframeinfo3.num = 512;
	domctl_op.u.getpageframeinfo3.array.p = frames;
	return TIME_HC(domctl, &domctl_op, 0, 0, 0);
}

/* *@arg: the domctl, of the neighbour's vCPU, which has a context and does not run. */
static uint64_t context_op(void *arg)
{
	static struct vcpu_guest_context c;

	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	domctl_op.cmd = *(uint32_t *)arg;
	domctl_op.domain = n.domid;
	domctl_op.u.vcpucontext.ctxt.p = &c;
	return TIME_HC(domctl, &domctl_op, 0, 0, 0);
}

static void saving(void)
{
	static uint32_t get = XEN_DOMCTL_getvcpucontext, set = XEN_DOMCTL_setvcpucontext;

	MUST(domctl(XEN_DOMCTL_pausedomain, n.domid));
	row_per("save-types", types_op, NULL, 0, 512);
	row("save-context", context_op, &get, 0);
	row("restore-context", context_op, &set, 0);
	MUST(domctl(XEN_DOMCTL_unpausedomain, n.domid));
}

static void events(void)
{
	struct evtchn_alloc_unbound a = { .dom = n.domid, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = n.domid };
	struct evtchn_close end;

	MUST(HC2(event_channel_op, EVTCHNOP_alloc_unbound, &a));
	b.remote_port = a.port;
	MUST(HC2(event_channel_op, EVTCHNOP_bind_interdomain, &b));
	if (b.local_port >= 64)
		die("port %u: the handlers know the first 64 only", b.local_port);
	event_keep_0 &= ~(1ul << b.local_port);
	shared->evtchn_pending[0] &= ~(1ul << b.local_port);
	shared->evtchn_mask[0] &= ~(1ul << b.local_port);
	neighbour_start(&n, a.port);
	shared->evtchn_pending[0] &= ~(1ul << b.local_port);
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
	/* There and back, with a switch of domains each way. */
	row("domain-ping-pong", ping_pong, &(struct ping){ { b.local_port }, b.local_port },
	    OWN_EVENT + OWN_NEIGHBOUR);
	saving();
	shared->evtchn_mask[0] = ~0ul;
	end.port = b.local_port;
	MUST(HC2(event_channel_op, EVTCHNOP_close, &end));
}

/* The neighbour lends frame N_LENT to us, by an entry that we write. */
static void lend(void)
{
	struct xen_mem_acquire_resource r = { .domid = n.domid, .nr_frames = 1,
					      .type = XENMEM_resource_grant_table };
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)window(0) + REF_LENT;
	xen_pfn_t frame;

	r.frame_list.p = &frame;
	MUST(HC2(memory_op, XENMEM_acquire_resource, &r));
	MUST(map_foreign(0, frame, PTE_RW_PAGE, n.domid));
	*e = (struct grant_entry_v1){ .flags = GTF_permit_access,
				      .frame = (uint32_t)n.mfns[N_LENT] };
	MUST(map_foreign(0, 0, 0, n.domid));
}

static void grants(void)
{
	struct gnttab_copy c = { .source = { .domid = n.domid, .u.ref = REF_LENT },
				 .dest = { .domid = DOMID_SELF, .u.gmfn = mfn_of(page_alloc()) },
				 .len = 64,
				 .flags = GNTCOPY_source_gref };

	lend();
	MUST(remap(window(1), 0));
	grant_mapping("domain-grant-map", "domain-grant-unmap",
		      (struct lent){ window(1), GNTMAP_host_map, REF_LENT, n.domid, true });
	row("domain-copy-64", grant_copy, &c, 0);
	c.len = PAGE_BYTES;
	row("domain-copy", grant_copy, &c, 0);
}

/* A domain of 128 MiB, from nothing to nothing. */
static uint64_t life(void)
{
	uint64_t begin = rdtsc();
	xen_memory_reservation_t r;

	n.domid = create();
	MUST(max_vcpus(n.domid, 2));
	max_mem(n.domid, LIFE_EXTENTS << LIFE_ORDER);
	r = extents(LIFE_EXTENTS, LIFE_ORDER);
	if (HC2(memory_op, XENMEM_populate_physmap, &r) != LIFE_EXTENTS)
		die("there are no 128 MiB for a domain");
	neighbour_destroy(&n);
	return rdtsc() - begin;
}

static void lives(void)
{
	static uint64_t samples[NR_LIVES];

	life();
	trace("life-128m");
	for (unsigned int i = 0; i < NR_LIVES; i++)
		samples[i] = life();
	row_of("life-128m", samples, NR_LIVES, 0, 1);
}

void bench_domains(void)
{
	n = neighbour_make();
	memory();
	tables();
	grants();
	events();
	neighbour_destroy(&n);
	lives();
}
