/* SPDX-License-Identifier: MIT */
/*
 * Tenants: a domain that is as great a nuisance as it can, and its neighbours, which tick.
 *
 * The rule: no other domain stops one, or dom0, for more than 2 ms. By the clock that all share
 * each nuisance has its part of the time: in it the domain with the word "role=bad" does one thing
 * over and over, and those with "role=tick" sleep until a timer, again and again, and see how late
 * they wake. A control domain among them also makes calls about the bad one. Then each claim tells
 * of one part (tests/boot/tenants.t).
 */
#define TOPIC "tenants"
#define __XEN_TOOLS__ 1
#include "../big_tree.h"
#include "../claim.h"
#include "../clock.h"
#include "../domains.h"
#include "../events.h"
#include "../lending.h"
#include "../memory.h"
#include "../sibling.h"
#include "../text.h"
#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#define BEGIN_NS	(400 * MS_NS)	/* everybody has booted */
#define PART_NS		(24 * MS_NS)
#define QUIET_NS	(10 * MS_NS)	/* of it, at its end: to undo and to prepare */
#define TELL_NS		(150 * MS_NS)	/* for what they have to print */
#define TICK_NS		(MS_NS / 2)
#define MOST_NS		(2 * MS_NS)

/* One nuisance: what it does, and what became of it. */
struct part {
	void (*prepare)(void), (*act)(void), (*undo)(void);
	bool is_over;
	uint64_t late, worst_wake, worst_call, calls;
};
static uint64_t end;			/* of this part, but for what is quiet */

static bool is_bad(void)
{
	const char *role = option("role=");

	if (!role)
		skip("there are no other tenants");
	return !strncmp(role, "bad", 3);
}

static bool is_control(void)
{
	return start->flags & SIF_INITDOMAIN;
}

static void sleep_until(uint64_t when)
{
	while (clock_ns() < when) {
		upcalls_mask();
		timer_set(when);
		HC2(sched_op, SCHEDOP_block, 0);
		upcalls_unmask();
	}
}

static bool goes_on(void)
{
	return clock_ns() < end;
}

/* What a control domain does with another: of each kind that may wait for it. */
static void call_for(domid_t bad)
{
	CHECK_OK(domctl(XEN_DOMCTL_getdomaininfo, bad));
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, bad));
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, bad));
}

static void be_late(uint64_t *worst, uint64_t by)
{
	*worst = by > *worst ? by : *worst;
}

static void tick(struct part *p)
{
	domid_t bad = is_control() && option("bad=") ? (domid_t)(*option("bad=") - '0') : 0;

	while (goes_on()) {
		uint64_t when = clock_ns() + TICK_NS, woken;

		sleep_until(when);
		woken = clock_ns();
		be_late(&p->worst_wake, woken - when);
		if (bad)
			call_for(bad);
		be_late(&p->worst_call, clock_ns() - woken);
		p->calls++;
	}
}

/*
 * Where an emulator runs CPUs in turn, one that has an interrupt waits for another to pause: then
 * that is to be, or the emulator is what is measured.
 */
static void pause(void)
{
	asm volatile("pause");
}

static void be_bad(struct part *p)
{
	while (goes_on()) {
		p->act();
		p->calls++;
		pause();
	}
}

static void play(struct part *p, uint64_t begin, bool bad)
{
	/* Not while another's part is on. */
	sleep_until(begin - QUIET_NS);
	if (bad && p->prepare)
		p->prepare();
	p->late = clock_ns() > begin ? clock_ns() - begin : 0;
	sleep_until(begin);
	end = begin + PART_NS - QUIET_NS;
	if (bad)
		be_bad(p);
	else
		tick(p);
	if (bad && p->undo)
		p->undo();
	p->is_over = true;
}

/* ---- It only runs ---------------------------------------------------------------------------- */

static void spin(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		pause();
}

/* ---- Page tables ----------------------------------------------------------------------------- */

static void pin_and_unpin(void)
{
	CHECK_OK(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0));
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0));
}

#define LIST 4096u
static union {
	struct mmu_update update[LIST];
	struct mmuext_op ext[LIST];
	struct multicall_entry call[LIST / 2];
	struct gnttab_map_grant_ref map[LIST / 4];
	struct gnttab_unmap_grant_ref unmap[LIST / 4];
	struct gnttab_copy copy[LIST / 16];
} list;
static void *scratch;

/* All entries of a table of ours, there and absent in turn. */
static void updates_prepare(void)
{
	uint64_t *l1 = table_alloc();

	scratch = page_alloc();
	for (unsigned int i = 0; i < LIST; i++)
		list.update[i] = (struct mmu_update){
			.ptr = maddr_of(&l1[i % 512]) | MMU_NORMAL_PT_UPDATE,
			.val = i / 512 % 2 ? 0 : rw_pte(scratch),
		};
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(l1), 0));
}

static void updates(void)
{
	CHECK_OK(HC4(mmu_update, list.update, LIST, 0, DOMID_SELF));
}

static void flushes_prepare(void)
{
	for (unsigned int i = 0; i < LIST; i++)
		list.ext[i] = (struct mmuext_op){
			.cmd = i % 2 ? MMUEXT_TLB_FLUSH_ALL : MMUEXT_INVLPG_ALL,
			.arg1.linear_addr = VIRT_BASE,
		};
}

static void flushes(void)
{
	CHECK_OK(HC4(mmuext_op, list.ext, LIST, 0, DOMID_SELF));
}

#define CLEARS_EACH 1024u
static void clears_prepare(void)
{
	scratch = page_alloc();
	for (unsigned int i = 0; i < CLEARS_EACH; i++)
		list.ext[i] = (struct mmuext_op){ .cmd = MMUEXT_CLEAR_PAGE,
						  .arg1.mfn = mfn_of(scratch) };
}

static void clears(void)
{
	CHECK_OK(HC4(mmuext_op, list.ext, CLEARS_EACH, 0, DOMID_SELF));
}

#define FLUSHES_EACH 64u
static void calls_prepare(void)
{
	static struct mmuext_op flush[FLUSHES_EACH];

	for (unsigned int i = 0; i < FLUSHES_EACH; i++)
		flush[i].cmd = MMUEXT_TLB_FLUSH_ALL;
	for (unsigned int i = 0; i < LIST / 2; i++)
		list.call[i] = (struct multicall_entry){
			.op = __HYPERVISOR_mmuext_op,
			.args = { ARG(flush), FLUSHES_EACH, 0, DOMID_SELF },
		};
}

/* With several CPUs in turn no call may be long: be_bad(). */
static void calls(void)
{
	CHECK_OK(HC2(multicall, list.call, option("cpus=") ? 64 : LIST / 2));
}

/* ---- Events ---------------------------------------------------------------------------------- */

static uint32_t own_port, pair_port;

static void events_prepare(void)
{
	int own = port_bind_ipi(0), open = port_alloc_unbound(own_domid), pair;

	CHECK(own > 0 && open > 0);
	pair = port_bind_interdomain(own_domid, (uint32_t)open);
	CHECK(pair > 0);
	own_port = (uint32_t)own;
	pair_port = (uint32_t)pair;
	port_unmask(own_port);
	port_unmask((uint32_t)open);
}

/* To itself, from a port to another, and to the neighbour, if there is a port for it. */
static void events(void)
{
	port_send(own_port);
	port_send(pair_port);
	if (option("port="))
		port_send((uint32_t)(*option("port=") - '0'));
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void prints(void)
{
	for (unsigned int i = 0; i < 20; i++)
		print("# one who prints without an end, and in long lines, and is not asked to\n");
}

/* What the hypervisor may find worth a line. */
static void complaints(void)
{
	struct mmu_update bad = { .ptr = NOBODYS_MFN << 12, .val = ~0ul };

	for (unsigned int i = 0; i < 20; i++) {
		HC4(mmu_update, &bad, 1, 0, DOMID_SELF);
		mmuext(MMUEXT_PIN_L4_TABLE, NOBODYS_MFN, 0);
		mmuext(MMUEXT_NEW_BASEPTR, NOBODYS_MFN, 0);
		HC2(set_debugreg, 7, ~0ul);
	}
}

/* ---- Grants ---------------------------------------------------------------------------------- */

static void grants_prepare(void)
{
	scratch = page_alloc();
	grant(FIRST_REF, mfn_of(scratch), GTF_permit_access);
}

static void grants(void)
{
	unsigned int n = LIST / 4;

	for (unsigned int i = 0; i < n; i++)
		list.map[i] = (struct gnttab_map_grant_ref){
			.ref = FIRST_REF, .dom = own_domid,
			.flags = GNTMAP_device_map,
		};
	HC3(grant_table_op, GNTTABOP_map_grant_ref, list.map, n);
	for (unsigned int i = 0; i < n; i++) {
		struct gnttab_map_grant_ref m = list.map[i];

		list.unmap[i] = (struct gnttab_unmap_grant_ref){
			.handle = m.status ? ~0u : m.handle, .dev_bus_addr = m.dev_bus_addr,
		};
	}
	HC3(grant_table_op, GNTTABOP_unmap_grant_ref, list.unmap, n);
}

#define COPIES_EACH 256u
static void copies(void)
{
	for (unsigned int i = 0; i < COPIES_EACH; i++)
		list.copy[i] = (struct gnttab_copy){
			.source = { .u.gmfn = mfn_of(scratch), .domid = DOMID_SELF },
			.dest = { .u.ref = FIRST_REF, .domid = own_domid },
			.len = PAGE_BYTES, .flags = GNTCOPY_dest_gref,
		};
	HC3(grant_table_op, GNTTABOP_copy, list.copy, COPIES_EACH);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

#define FRAMES 64u
static unsigned long frames[FRAMES], others[FRAMES];
static uint8_t *pages[FRAMES];

static void memory_prepare(void)
{
	for (unsigned int i = 0; i < FRAMES; i++) {
		pages[i] = page_alloc();
		frames[i] = mfn_of(pages[i]);
		CHECK_OK(remap(pages[i], 0));
	}
}

static void exchange(void)
{
	struct xen_memory_exchange x = {
		.in = { .nr_extents = FRAMES, .domid = DOMID_SELF },
		.out = { .nr_extents = FRAMES, .domid = DOMID_SELF },
	};

	for (unsigned int i = 0; i < FRAMES; i++)
		others[i] = pfn_of(pages[i]);
	x.in.extent_start.p = frames;
	x.out.extent_start.p = others;
	CHECK_OK(HC2(memory_op, XENMEM_exchange, &x));
	memcpy(frames, others, sizeof(frames));
}

static void balloon(void)
{
	struct xen_memory_reservation r = { .nr_extents = FRAMES, .domid = DOMID_SELF };

	r.extent_start.p = frames;
	CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), FRAMES);
	for (unsigned int i = 0; i < FRAMES; i++)
		frames[i] = pfn_of(pages[i]);
	r.extent_start.p = frames;
	CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), FRAMES);
}

/* The next part takes others. */
static void memory_back(void)
{
	for (unsigned int i = 0; i < FRAMES; i++) {
		((unsigned long *)start->mfn_list)[pfn_of(pages[i])] = frames[i];
		CHECK_OK(remap(pages[i], make_pte(frames[i], PTE_RW_PAGE)));
	}
}

/* ---- Turns ----------------------------------------------------------------------------------- */

static void turns(void)
{
	evtchn_port_t port = timer_port;
	struct sched_poll poll = { .nr_ports = 1, .timeout = clock_ns() + 20000 };

	poll.ports.p = &port;
	for (unsigned int i = 0; i < 10; i++)
		HC2(sched_op, SCHEDOP_yield, 0);
	upcalls_mask();
	HC2(sched_op, SCHEDOP_poll, &poll);
	upcalls_unmask();
	for (unsigned int i = 0; i < 20; i++)
		timer_set(clock_ns() + 3000);
}

static void ups_and_downs(void)
{
	static bool up;

	if (!up)
		other_start();
	up = true;
	HC3(vcpu_op, VCPUOP_down, OTHER, 0);
	HC3(vcpu_op, VCPUOP_up, OTHER, 0);
}

/*
 * The control domain's own: it makes a domain, fills it and destroys it. For the bad one nothing is
 * left but to run.
 */
static void make_and_destroy(void)
{
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	max_mem(d, NR_GIVEN);
	CHECK_EQ(populate(d, NR_GIVEN, 0), NR_GIVEN);
	destroy(d);
	pause();
}

/* ---- The parts ------------------------------------------------------------------------------- */

enum { RUNS, PINS, UPDATES, FLUSHES, CLEARS, CALLS, EVENTS, PRINTS, ASKS, GRANTS, COPIES, EXCHANGES,
       BALLOONS, TURNS, UPS, DIES, NR_PARTS };

static struct part parts[NR_PARTS] = {
	[RUNS] = { .act = spin },
	[PINS] = { .prepare = big_build, .act = pin_and_unpin, .undo = big_plain },
	[UPDATES] = { .prepare = updates_prepare, .act = updates },
	[FLUSHES] = { .prepare = flushes_prepare, .act = flushes },
	[CLEARS] = { .prepare = clears_prepare, .act = clears },
	[CALLS] = { .prepare = calls_prepare, .act = calls },
	[EVENTS] = { .prepare = events_prepare, .act = events },
	[PRINTS] = { .act = prints },
	[ASKS] = { .act = complaints },
	[GRANTS] = { .prepare = grants_prepare, .act = grants },
	[COPIES] = { .prepare = grants_prepare, .act = copies },
	[EXCHANGES] = { .prepare = memory_prepare, .act = exchange, .undo = memory_back },
	[BALLOONS] = { .prepare = memory_prepare, .act = balloon, .undo = memory_back },
	[TURNS] = { .act = turns },
	[UPS] = { .act = ups_and_downs },
	[DIES] = { .act = spin },
};

/* All of them, before any is told of: what is printed in between would hold its printer up. */
static void play_all(void)
{
	static bool is_played;
	bool bad = is_bad();

	if (is_played)
		return;
	is_played = true;
	for (unsigned int i = 0; i < NR_PARTS; i++) {
		uint64_t begin = BEGIN_NS + i * PART_NS;

		if (i == DIES && is_control())
			for (sleep_until(begin); clock_ns() < begin + PART_NS - QUIET_NS;)
				make_and_destroy();
		else
			play(&parts[i], begin, bad);
	}
	/* The machine ends with the bad one, when the others have told. */
	if (bad)
		sleep_until(BEGIN_NS + NR_PARTS * PART_NS + TELL_NS);
}

static void part(unsigned int nr, const char *name)
{
	const struct part *p = &parts[nr];

	play_all();
	if (nr == DIES && is_control())
		skip("it is the one that makes it");
	CHECK_SAY(p->is_over, "it was not its turn");
	CHECK_SAY(p->late < PART_NS / 2, "it is %lu us late", p->late / 1000);
	CHECK(p->calls > 0);
	print("# %s: %lu times, woken at most %lu us late, calls took at most %lu us\n", name,
	      p->calls, p->worst_wake / 1000, p->worst_call / 1000);
	CHECK_SAY(p->worst_wake <= MOST_NS, "it woke %lu us late", p->worst_wake / 1000);
	CHECK_SAY(p->worst_call <= MOST_NS, "a call took %lu us", p->worst_call / 1000);
}

#define PART(nr, id, what) \
	CLAIM(id, "a domain that " what " holds no other up for more than 2 ms") \
	{ \
		part(nr, #id); \
	}

PART(RUNS, runs, "runs all the time")
PART(PINS, pins, "pins and unpins a large tree of page tables")
PART(UPDATES, updates, "changes 4096 entries in each call")
PART(FLUSHES, flushes, "flushes TLBs 4096 times in each call")
PART(CLEARS, clears, "clears 1024 pages in each call")
PART(CALLS, calls, "makes 2048 calls in one")
PART(EVENTS, events, "sends events to itself, between its ports and to the other")
PART(PRINTS, prints, "prints without end")
PART(ASKS, asks, "asks for what it cannot have")
PART(GRANTS, grants, "maps and unmaps 1024 grants in two calls")
PART(COPIES, copies, "copies 1 MiB by grants in each call")
PART(EXCHANGES, exchanges, "exchanges its memory")
PART(BALLOONS, balloons, "gives memory back and takes other")
PART(TURNS, turns, "yields, polls and sets timers")
PART(UPS, ups, "takes a vCPU up and down")
PART(DIES, dies, "is made and destroyed again and again")
