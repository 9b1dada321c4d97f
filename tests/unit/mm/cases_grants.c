/* SPDX-License-Identifier: MIT */
/*
 * Grants between two domains: whose pins an entry has, what is copied, and how they end when who
 * borrows, or who lends, dies.
 */
#include <string.h>
#include <asm/gnttab.h>
#include <asm/orphan.h>
#include <asm/page_type.h>
#include <isola/errno.h>
#include "cases.h"

#define OUR_L1	11u
#define LENT(i)	(FOREIGN_FIRST + 4u + (i))

static struct gnttab_map_grant_ref map(domid_t dom, u32 ref, u32 flags, u64 host_addr)
{
	struct gnttab_map_grant_ref op = { .dom = dom, .ref = ref, .flags = flags,
					   .host_addr = host_addr };

	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&op, 1);
	return op;
}

static s16 unmap(const struct gnttab_map_grant_ref *m)
{
	struct gnttab_unmap_grant_ref op = { .handle = m->handle, .host_addr = m->host_addr };

	op.dev_bus_addr = m->flags & GNTMAP_device_map ? m->dev_bus_addr : 0;
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&op, 1);
	return op.status;
}

static u16 entry_flags(const struct domain *d, u32 ref)
{
	const struct grant_entry_v1 *e = (void *)frame_ptr(mfn_x(d->grants->frame[0]));

	return e[ref].flags;
}

static const struct grant_pins *pins(const struct domain *d, u32 ref)
{
	return &d->grants->pins[0][ref];
}

/* Domain 1 lends entries 3 to 5, frames LENT(0) to LENT(2), to domain 0, which has an L1 table. */
static void start(void)
{
	guest_start();
	check(ext(MMUEXT_PIN_L1_TABLE, OUR_L1, 0) == 0, "an L1 table");
	world_swap();
	for (u32 i = 0; i < 3; i++)
		lend(3 + i, LENT(i), 0);
	world_swap();
}

/* An entry is one domain's at a time: what was lent to it is not had by another meanwhile. */
static void latched(void)
{
	struct gnttab_map_grant_ref first, second;

	start();
	first = map(1, 3, GNTMAP_device_map, 0);
	world_swap();
	lend(3, LENT(1), 1);
	second = map(1, 3, GNTMAP_device_map, 0);
	check(second.status == GNTST_general_error, "not lent to another while it is in use");
	lend(3, LENT(1), 0);
	world_swap();
	second = map(1, 3, GNTMAP_device_map, 0);
	check(!first.status && !second.status, "to the same");
	check(second.dev_bus_addr == first.dev_bus_addr, "and the same frame");
	check(unmap(&first) == GNTST_okay && pins(&world_foreign, 3)->writers == 1, "one of two");
	check(unmap(&second) == GNTST_okay && !pins(&world_foreign, 3)->writers, "both");
	world_swap();
	lend(3, LENT(1), 1);
	first = map(1, 3, GNTMAP_device_map, 0);
	second = map(1, 3, GNTMAP_device_map, 0);
	check(!first.status && !second.status, "another then, as often as it likes");
	check(unmap(&first) == GNTST_okay && unmap(&second) == GNTST_okay, "until it is undone");
	world_swap();
	audited("an entry is in use by one domain at a time");
}

static void transitive(void)
{
	struct gnttab_copy copy = { .source = { .u.ref = 3, .domid = 1 },
				    .dest = { .u.gmfn = 30, .domid = DOMID_SELF },
				    .flags = GNTCOPY_source_gref, .len = 8 };

	start();
	world_swap();
	((struct grant_entry_v1 *)window_ptr(world_foreign.grants->frame[0]))[3].flags =
		GTF_transitive;
	world_swap();
	check(map(1, 3, GNTMAP_device_map, 0).status == GNTST_general_error, "no map");
	hc_grant_table_op(GNTTABOP_copy, (u64)&copy, 1);
	check(copy.status == GNTST_general_error, "no copy");
	audited("transitive grants are refused");
}

/* From 1 to 0, back, and within 1, named by 0. */
static void copied(void)
{
	struct gnttab_copy copy[3] = {
		{ .source = { .u.ref = 3, .domid = 1, .offset = 8 },
		  .dest = { .u.gmfn = 30, .domid = DOMID_SELF, .offset = 16 },
		  .flags = GNTCOPY_source_gref, .len = 8 },
		{ .source = { .u.gmfn = 30, .domid = DOMID_SELF, .offset = 16 },
		  .dest = { .u.ref = 4, .domid = 1, .offset = 24 },
		  .flags = GNTCOPY_dest_gref, .len = 8 },
		{ .source = { .u.ref = 4, .domid = 1, .offset = 24 },
		  .dest = { .u.ref = 5, .domid = 1, .offset = 32 },
		  .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref, .len = 8 },
	};

	start();
	frame_ptr(LENT(0))[1] = 0x1122334455667788;
	check(hc_grant_table_op(GNTTABOP_copy, (u64)copy, 3) == 0, "three copies");
	for (unsigned i = 0; i < 3; i++)
		check(copy[i].status == GNTST_okay, "copy %u", i);
	check(frame_ptr(30)[2] == frame_ptr(LENT(0))[1], "to us");
	check(frame_ptr(LENT(1))[3] == frame_ptr(LENT(0))[1], "to them");
	check(frame_ptr(LENT(2))[4] == frame_ptr(LENT(0))[1], "from them to them");
	check(!(entry_flags(&world_foreign, 5) & (GTF_reading | GTF_writing)), "and are over");
	world_swap();
	lend(5, LENT(2), 0);
	((struct grant_entry_v1 *)window_ptr(world_foreign.grants->frame[0]))[5].flags |=
		GTF_readonly;
	world_swap();
	hc_grant_table_op(GNTTABOP_copy, (u64)&copy[2], 1);
	check(copy[2].status == GNTST_general_error, "not where they let us read only");
	check(!pins(&world_foreign, 4)->readers, "nothing is left of the other end");
	audited("copies between two domains");
}

/* Domain 0 dies with mappings: its handles go, and what domain 1 had lent is its own again. */
static void borrower_dies(void)
{
	struct gnttab_map_grant_ref m[4];
	int rc, stops = 0;

	start();
	lend(2, 30, 0);
	m[0] = map(1, 3, GNTMAP_host_map | GNTMAP_contains_pte, entry_at(OUR_L1, 0));
	m[1] = map(1, 4, GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly,
		   entry_at(OUR_L1, 1));
	m[2] = map(0, 2, GNTMAP_device_map, 0);
	for (unsigned i = 0; i < 3; i++)
		check(m[i].status == GNTST_okay, "mapping %u", i);
	for (unsigned i = 0; i < 100; i++)
		check(map(1, 5, GNTMAP_device_map | (i % 2 ? GNTMAP_readonly : 0), 0).status ==
			      GNTST_okay, "one of many");
	world_swap();
	domain_kill(&world_domain);
	preempt_rate = 255;
	do
		rc = gnttab_release_mappings(&world_domain);
	while (rc == -ERESTART && ++stops);
	preempt_rate = 0;
	check(rc == 0 && stops >= 2, "it stops on the way");
	for (u32 ref = 2; ref < 6; ref++) {
		const struct domain *d = ref == 2 ? &world_domain : &world_foreign;

		check(!pins(d, ref)->readers && !pins(d, ref)->writers, "no pin of %u", ref);
		check(ref == 2 || entry_flags(d, ref) == GTF_permit_access, "and no mark");
	}
	check(page_of(_mfn(LENT(0)))->count_info == (PGC_shared_out | PGC_foreign_one),
	      "the entry holds what it holds");
	check(page_of(_mfn(LENT(2)))->count_info == PGC_shared_out &&
		      !(page_of(_mfn(LENT(2)))->type_info & PGT_count_mask), "a handle nothing");
	check(page_of(_mfn(30))->count_info == PGC_unshared, "nor of its own");
	check(gnttab_release_mappings(&world_domain) == 0, "once more does no harm");
	world_swap();
	all_ok("a domain that dies gives back what it had mapped");
	guest_start();
}

/* Domain 1 dies, and its frames go: domain 0's handles stay good for what they have to undo. */
static void lender_dies(void)
{
	struct gnttab_map_grant_ref m[2];
	struct gnttab_copy copy = { .source = { .u.ref = 3, .domid = 1 },
				    .dest = { .u.gmfn = 30, .domid = DOMID_SELF },
				    .flags = GNTCOPY_source_gref, .len = 8 };
	mfn_t m_table;

	start();
	m_table = world_foreign.grants->frame[0];
	m[0] = map(1, 3, GNTMAP_host_map | GNTMAP_contains_pte, entry_at(OUR_L1, 0));
	m[1] = map(1, 4, GNTMAP_device_map | GNTMAP_readonly, 0);
	check(!m[0].status && !m[1].status, "two mappings");
	domain_kill(&world_foreign);
	check(gnttab_release_mappings(&world_foreign) == 0, "it had none");
	domain_discard_pages(&world_foreign);
	check(page_of(m_table)->count_info == 0, "its table's frame is free");
	check(!world_ended && world_foreign.nr_owned == 2, "what it lent holds it");
	check(page_get(page_of(_mfn(30)), &world_domain), "a frame that the copy could go to");
	page_put(page_of(_mfn(30)));
	hc_grant_table_op(GNTTABOP_copy, (u64)&copy, 1);
	check(copy.status == GNTST_bad_domain, "nothing more of the dying");
	check(unmap(&m[0]) == GNTST_okay && unmap(&m[1]) == GNTST_okay, "both are undone");
	check(frame_ptr(mfn_x(m_table))[3] == 0x5a5a5a5a5a5a5a5a, "nobody writes to what was its");
	check(!pins(&world_foreign, 3)->writers && !pins(&world_foreign, 4)->readers, "no pin");
	check(!world_ended, "its frames wait");
	world_way_out();
	check(world_ended == 1 && !domain_of_frames(1), "with the last of them it goes");
	all_ok("a domain that dies lends on what is mapped, and nothing else");
	guest_start();
}

void grants(void)
{
	world_controls = false;
	latched();
	transitive();
	copied();
	borrower_dies();
	lender_dies();
}
