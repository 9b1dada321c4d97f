/* SPDX-License-Identifier: MIT */
/*
 * oom: each allocation of each hypercall that allocates is refused once.
 *
 * The rule: whatever is refused, the hypercall says so and leaves nothing behind: as many pages are
 * free as before, and every reference is as it was. Tried again, it succeeds. A hypervisor built
 * with CONFIG_AUDIT refuses the nth allocation from now on our demand; n grows until the operation
 * needs no more. Only with the word "oom" on our command line, in a boot of its own
 * (tests/guest/oom.t): grant tables and event channels that have grown do not shrink. Which
 * hypercalls allocate: docs/testing.md.
 */
#define TOPIC "oom"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../lending.h"
#include "../memory.h"
#include "../model.h"
#include "../text.h"
#define OOM_GUEST
#include "../../../arch/x86/include/asm/oom.h"

#define COMMAND(cmd, arg) hypercall_bare(__HYPERVISOR_arch_7, cmd, arg, 0, 0, 0)
#define RECOUNT() COMMAND(0, 0)
#define XEN_HAS_NONE "Xen refuses no allocation on demand"
#define MOST 64u		/* allocations in one operation */

static bool wanted(void)
{
	const char *at = (const char *)start->cmd_line;

	for (; *at; at++)
		if (!strncmp(at, "oom ", 4))
			return true;
	return false;
}

static void begin(void)
{
	if (!wanted())
		skip("only with \"oom\" on the command line");
	if (COMMAND(OOM_REFUSE, 0))
		skip("this hypervisor refuses nothing on demand (CONFIG_AUDIT)");
}

/*
 * Try @attempt (did it succeed?) with its first allocation refused, then its second, until it needs
 * no more: at least @least times.
 * @undo takes back what succeeded; NULL: it stays.
 */
static void refuse_each(bool (*attempt)(void), void (*undo)(void), unsigned int least)
{
	for (unsigned int nth = 1; nth < MOST; nth++) {
		long before = COMMAND(OOM_FREE_PAGES, 0), after;
		bool done, refused;

		COMMAND(OOM_REFUSE, nth);
		done = attempt();
		refused = COMMAND(OOM_REFUSED, 0) == 1;
		if (done && undo)
			undo();
		after = COMMAND(OOM_FREE_PAGES, 0);
		CHECK_SAY(done || refused, "it fails, and nothing was refused");
		CHECK_SAY(undo || !done || !refused, "it succeeds without allocation %u", nth);
		CHECK_SAY((done && !undo) || after == before,
			  "allocation %u refused: %ld pages are missing", nth, before - after);
		CHECK_SAY(RECOUNT() == 0, "allocation %u refused: the recount answers %ld", nth,
			  RECOUNT());
		if (!refused) {
			CHECK_SAY(nth > least, "%u allocations, expected %u at least", nth - 1,
				  least);
			return;
		}
	}
	fail(__FILE__, __LINE__, "more than %u allocations", MOST);
}

/* ---- Memory ---- */

#define NR_FRAMES 512u
static unsigned long list[NR_FRAMES], out[NR_FRAMES];
static unsigned int nr, order;

/* Extents [0, @n) of @of, of @order; how many were done. */
static unsigned int change(unsigned int op, unsigned long *of, unsigned int n,
			   unsigned int extent_order)
{
	struct xen_memory_reservation r = { .nr_extents = n,
					    .extent_order = extent_order,
					    .domid = DOMID_SELF };

	r.extent_start.p = of;
	return (unsigned int)HC2(memory_op, op, &r);
}

static void give_back(void)
{
	CHECK_EQ(change(XENMEM_decrease_reservation, list, nr, order), nr);
}

/* All extents, or none: those that were done are given back. */
static bool come(unsigned int op)
{
	unsigned int done;

	for (unsigned int i = 0; i < nr; i++)
		/* names, to begin with */
		list[i] = start->nr_pages + ((unsigned long)i << order);
	done = change(op, list, nr, order);
	if (done < nr)
		CHECK_EQ(change(XENMEM_decrease_reservation, list, done, order), done);
	return done == nr;
}

static bool populate_ours(void) { return come(XENMEM_populate_physmap); }
static bool increase(void) { return come(XENMEM_increase_reservation); }

static void memory(bool (*attempt)(void), unsigned int n, unsigned int extent_order,
		   unsigned int least)
{
	begin();
	nr = n;
	order = extent_order;
	refuse_each(attempt, give_back, least);
}

CLAIM_ISOLA_ONLY(populate, "populate_physmap of one frame", XEN_HAS_NONE)
{
	memory(populate_ours, 1, 0, 1);
}

/* More than the frames of one window table. */
CLAIM_ISOLA_ONLY(populate_more, "populate_physmap of 24 extents of 32 frames", XEN_HAS_NONE)
{
	memory(populate_ours, 24, 5, 25);
}

CLAIM_ISOLA_ONLY(populate_large, "populate_physmap of two extents of 512 frames", XEN_HAS_NONE)
{
	memory(populate_ours, 2, 9, 2);
}

CLAIM_ISOLA_ONLY(increase, "increase_reservation of four frames", XEN_HAS_NONE)
{
	memory(increase, 4, 0, 4);
}

/* A block that came whole: its first frame alone is to go. */
static unsigned long block;

static void block_comes(void)
{
	begin();
	block = start->nr_pages;
	CHECK_EQ(change(XENMEM_populate_physmap, &block, 1, 9), 1);
}

static bool some_leave(unsigned int extent_order)
{
	list[0] = block;
	return change(XENMEM_decrease_reservation, list, 1, extent_order) == 1;
}

static void rest_leaves(unsigned int from)
{
	for (unsigned int i = from; i < NR_FRAMES; i++)
		list[i] = block + i;
	CHECK_EQ(change(XENMEM_decrease_reservation, list + from, NR_FRAMES - from, 0),
		 NR_FRAMES - from);
}

static bool one_leaves(void) { return some_leave(0); }
static bool eight_leave(void) { return some_leave(3); }

CLAIM_ISOLA_ONLY(decrease, "decrease_reservation of a frame of a large block", XEN_HAS_NONE)
{
	block_comes();
	refuse_each(one_leaves, NULL, 1);
	rest_leaves(1);
}

CLAIM_ISOLA_ONLY(decrease_more, "decrease_reservation of an extent of eight of them", XEN_HAS_NONE)
{
	block_comes();
	refuse_each(eight_leave, NULL, 1);
	rest_leaves(8);
}

/* ---- Exchange: of what came as @nr extents of @order ---- */

static unsigned int out_nr, out_order;

static bool exchange(void)
{
	struct xen_memory_exchange x = {
		.in = { .nr_extents = nr, .extent_order = order, .domid = DOMID_SELF },
		.out = { .nr_extents = out_nr, .extent_order = out_order, .domid = DOMID_SELF },
	};
	long rc;

	for (unsigned int i = 0; i < out_nr; i++)
		out[i] = start->nr_pages + ((unsigned long)i << out_order);
	x.in.extent_start.p = list;
	x.out.extent_start.p = out;
	rc = HC2(memory_op, XENMEM_exchange, &x);
	CHECK_SAY(x.nr_exchanged == (rc ? 0 : nr), "%lu of %u extents are exchanged, %ld",
		  x.nr_exchanged, nr, rc);
	return rc == 0;
}

static void exchange_each(unsigned int n, unsigned int extent_order, unsigned int to_nr,
			  unsigned int to_order, unsigned int least)
{
	begin();
	nr = n;
	order = extent_order;
	out_nr = to_nr;
	out_order = to_order;
	CHECK(populate_ours());
	refuse_each(exchange, NULL, least);
	CHECK_EQ(change(XENMEM_decrease_reservation, out, out_nr, out_order), out_nr);
}

CLAIM_ISOLA_ONLY(exchange_gather, "an exchange of eight frames for one extent of them",
		 XEN_HAS_NONE)
{
	exchange_each(8, 0, 1, 3, 1);
}

CLAIM_ISOLA_ONLY(exchange_scatter, "an exchange of one extent for its frames, one by one",
		 XEN_HAS_NONE)
{
	exchange_each(1, 3, 8, 0, 8);
}

CLAIM_ISOLA_ONLY(exchange_large, "an exchange of a large block for sixteen smaller ones",
		 XEN_HAS_NONE)
{
	exchange_each(1, 9, 16, 5, 17);
}

/* ---- Grants ---- */

static unsigned int table_frames;

static bool set_up(void)
{
	static unsigned long frames[64];
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = table_frames };

	op.frame_list.p = frames;
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &op, 1));
	return op.status == GNTST_okay;
}

CLAIM_ISOLA_ONLY(grant_table, "a grant table that becomes longer by one frame, then by sixteen",
		 XEN_HAS_NONE)
{
	begin();
	table_frames = 2;
	refuse_each(set_up, NULL, 2);
	table_frames = 18;
	refuse_each(set_up, NULL, 32);
}

static bool map_one(void)
{
	uint64_t at = (uint64_t)window(4);
	struct gnttab_map_grant_ref op = grant_map(FIRST_REF, at, GNTMAP_host_map);

	if (op.status == GNTST_okay)
		CHECK_EQ(grant_unmap(op.handle, at, 0), GNTST_okay);
	return op.status == GNTST_okay;
}

CLAIM_ISOLA_ONLY(grant_map, "the first mapping of a grant", XEN_HAS_NONE)
{
	begin();
	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	refuse_each(map_one, NULL, 1);
	grant(FIRST_REF, 0, 0);
}

/* ---- Event channels: ports come by 64 ---- */

#define PORTS_AT_ONCE 64u

static uint32_t unbound(void)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };

	return HC2(event_channel_op, EVTCHNOP_alloc_unbound, &op) ? 0 : op.port;
}

/* The next port is the first of another 64; returns one that is unbound. */
static uint32_t fill_ports(void)
{
	uint32_t port;

	do {
		port = unbound();
		CHECK(port);
	} while (port % PORTS_AT_ONCE != PORTS_AT_ONCE - 1);
	return port;
}

static uint32_t last_unbound;

static bool bind_unbound(void) { return unbound() != 0; }

static bool bind_ipi(void)
{
	struct evtchn_bind_ipi op = { .vcpu = 0 };

	return HC2(event_channel_op, EVTCHNOP_bind_ipi, &op) == 0;
}

static bool bind_virq(void)
{
	struct evtchn_bind_virq op = { .virq = VIRQ_DEBUG, .vcpu = 0 };

	return HC2(event_channel_op, EVTCHNOP_bind_virq, &op) == 0;
}

static bool bind_interdomain(void)
{
	struct evtchn_bind_interdomain op = { .remote_dom = DOMID_SELF,
					      .remote_port = last_unbound };

	return HC2(event_channel_op, EVTCHNOP_bind_interdomain, &op) == 0;
}

CLAIM_ISOLA_ONLY(ports,
		 "the port for which there must be more of them: unbound, IPI, VIRQ, interdomain",
		 XEN_HAS_NONE)
{
	static bool (*const bind[])(void) = { bind_unbound, bind_ipi, bind_virq, bind_interdomain };

	begin();
	for (unsigned int i = 0; i < sizeof(bind) / sizeof(bind[0]); i++) {
		last_unbound = fill_ports();
		refuse_each(bind[i], NULL, 1);
	}
}

/* ---- Domains ---- */

static domid_t made;

static void destroy_made(void)
{
	destroy(made);
}

static bool create_one(void)
{
	config();
	if (domctl(XEN_DOMCTL_createdomain, ANY))
		return false;
	made = domctl_op.domain;
	return true;
}

/* All that is made of a domain before its guest's memory has contents. */
static bool furnish(void)
{
	struct xen_memory_reservation r = { .nr_extents = 4, .extent_order = 2, .domid = made };
	struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) e = { 0, 4096, 1 };
	struct xen_foreign_memory_map m = { .domid = made, .map.nr_entries = 1 };

	m.map.buffer.p = &e;
	if (max_vcpus(made, 2) || HC2(memory_op, XENMEM_set_memory_map, &m))
		return false;
	max_mem(made, 16);
	for (unsigned int i = 0; i < 4; i++)
		list[i] = 4 * i;
	r.extent_start.p = list;
	return HC2(memory_op, XENMEM_populate_physmap, &r) == 4;
}

static bool create_and_furnish(void)
{
	if (!create_one())
		return false;
	if (furnish())
		return true;
	destroy_made();
	return false;
}

CLAIM_ISOLA_ONLY(createdomain, "a domain that is made: vCPUs, a memory map, memory", XEN_HAS_NONE)
{
	begin();
	refuse_each(create_one, destroy_made, 10);
	refuse_each(create_and_furnish, destroy_made, 37);
}

/* ---- Device models ---- */

static long server;

static void destroy_server(void)
{
	server_destroy(made, server);
}

static bool create_server(void)
{
	server = server_create(made, 2);
	return server >= 0;
}

CLAIM_ISOLA_ONLY(server, "a device model's server: its ranges, pages and ports", XEN_HAS_NONE)
{
	begin();
	made = model_domain(1);
	refuse_each(create_server, destroy_server, 5);
	model_end(made);
}
