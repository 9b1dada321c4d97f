/* SPDX-License-Identifier: MIT */
/*
 * Frames in others' hands: domain 1 is a control domain, which may name domain 0's frames in its
 * own tables, and trusts itself to flush: it does not. It runs on CPUs that domain 0 never ran on.
 * What it may still remember must be gone when a frame gets another use or another owner (TLB-9).
 */
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/page_type.h>
#include <asm/pt_modify.h>
#include <isola/errno.h>
#include <xen/memory.h>
#include "cases.h"
#include "guest.h"

/* Domain 1's entry for the frame becomes @e, and its processor goes through it. */
int their_entry(pte_t e)
{
	struct mmu_update req = { entry_at(THEIR_L1, 0), e };
	int rc;

	world_swap();
	rc = hc_mmu_update((u64)&req, 1, 0, e ? 0 : DOMID_SELF);
	tlb_use[THEIR_L1][USE_L1] = true;
	tlb_touch(THEIR_L1, 0);
	world_swap();
	return rc;
}

bool they_remember(unsigned f)
{
	return world_other.tlb_use[f][USE_READ] || world_other.tlb_use[f][USE_WRITE];
}

/* Domain 1 has its table, and domain 0's frame is in it, or has been and nobody has flushed. */
void they_use(unsigned f, pte_t rights, bool still)
{
	world_controls = true;
	guest_start();
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIR_L1), PGT_l1) == 0, "a table of theirs");
	check(pt_modify(&world_foreign, 1, (pte_t *)window_ptr(_mfn(THEIR_L1)) + 1,
			names(THEIR_L1 + 1), PT_REPLACE, NULL) == 0 &&
		      !page_is_shared_out(page_of(_mfn(THEIR_L1 + 1))), "their own frame in it");
	world_swap();
	check(their_entry(names(f) | rights) == 0, "our frame in their table");
	check(page_is_shared_out(page_of(_mfn(f))), "it is shared out");
	if (!still)
		check(their_entry(0) == 0, "and not any more");
	check(they_remember(f), "they remember it");
	check(world_audit() == 0, "so far");
}

long give_back(u64 first, u64 second)
{
	u64 mfn[2] = { first, second };
	struct xen_memory_reservation r = { .nr_extents = second ? 2 : 1, .domid = DOMID_SELF,
					    .extent_start.p = (void *)mfn };

	return hc_memory_op(XENMEM_decrease_reservation, (u64)&r);
}

static void retype(void)
{
	they_use(OURS, PTE_RW, true);
	check(ext(MMUEXT_PIN_L1_TABLE, OURS, 0) == -EINVAL, "no table while they can write");
	check(their_entry(0) == 0 && they_remember(OURS), "no flush of theirs");
	check(ext(MMUEXT_PIN_L1_TABLE, OURS, 0) == 0, "a table then");
	check(!they_remember(OURS), "which they cannot write to");
	audited("a frame that others wrote to becomes a table");
	they_use(OURS, PTE_RW, false);
	check(ext(MMUEXT_PIN_L1_TABLE, OURS + 1, 0) == 0 && they_remember(OURS),
	      "other frames are no reason to flush");
	audited("others are not disturbed for frames that they never used");
}

static void release(void)
{
	they_use(OURS, 0, false);
	check(give_back(OURS + 1, OURS) == 2, "a release, with another frame before it");
	check(!they_remember(OURS), "of what they have forgotten");
	check(page_of(_mfn(OURS))->count_info == 0, "it is like any other");
	audited("a frame that others read is given back");
}

static void exchange(void)
{
	u64 in[2] = { OURS, OURS + 1 }, out[2] = { 1, 2 };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 2, .domid = DOMID_SELF, .extent_start.p = (void *)in },
		.out = { .nr_extents = 2, .domid = DOMID_SELF, .extent_start.p = (void *)out },
	};

	they_use(OURS, PTE_RW, false);
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == 0, "an exchange");
	check(!they_remember(OURS), "of what they have forgotten");
	audited("a frame that others wrote to is exchanged");
}

/* An extent that cannot go whole stays whole, with what is known of it. */
static void readmitted(void)
{
	u64 mfn = OURS;
	struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF,
					    .extent_start.p = (void *)&mfn };

	they_use(OURS, PTE_RW, false);
	check(page_get(page_of(_mfn(OURS + 1)), &world_domain), "the one beside it is held");
	check(hc_memory_op(XENMEM_decrease_reservation, (u64)&r) == 0, "neither goes");
	page_put(page_of(_mfn(OURS + 1)));
	check(they_remember(OURS) && page_is_shared_out(page_of(_mfn(OURS))), "still shared out");
	check(give_back(OURS, 0) == 1 && !they_remember(OURS),
	      "when it goes they have forgotten it");
	audited("a frame that stayed is still known to have been shared out");
}

static void tables(void)
{
	pte_t *l2;

	guest_start();
	check(ext(MMUEXT_PIN_L1_TABLE, OURS, 0) == 0, "a table of ours");
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIR_L1), PGT_l2) == 0, "one of theirs");
	l2 = window_ptr(_mfn(THEIR_L1));
	check(pt_modify(&world_domain, 2, l2, names(OURS), PT_REPLACE,
			&(struct pt_batch){ 0 }) == -EINVAL, "does not name ours");
	check(!page_is_shared_out(page_of(_mfn(OURS))), "and nothing comes of it");
	world_swap();
	audited("tables name tables of their own domain");
}

static void lent(void)
{
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_device_map, .dom = 1, .ref = 3 };
	struct gnttab_unmap_grant_ref unmap = { 0 };
	struct gnttab_copy copy = {
		.source = { .u.ref = 4, .domid = 1 },
		.dest = { .u.gmfn = OURS, .domid = DOMID_SELF },
		.flags = GNTCOPY_source_gref,
		.len = 8,
	};

	guest_start();
	world_swap();
	lend(3, FOREIGN_FIRST + 4, 0);
	lend(4, FOREIGN_FIRST + 5, 0);
	world_swap();
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	hc_grant_table_op(GNTTABOP_copy, (u64)&copy, 1);
	check(map.status == GNTST_okay && copy.status == GNTST_okay,
	      "lent to us, and copied by us");
	check(page_is_shared_out(page_of(_mfn(FOREIGN_FIRST + 4))), "what is mapped is shared out");
	check(page_is_shared_out(page_of(_mfn(FOREIGN_FIRST + 5))), "what was copied has been");
	check(!page_is_shared_out(page_of(_mfn(OURS))), "what is one's own is not");
	unmap.handle = map.handle;
	unmap.dev_bus_addr = map.dev_bus_addr;
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1);
	check(page_is_shared_out(page_of(_mfn(FOREIGN_FIRST + 4))), "until it is free");
	audited("frames that are lent are shared out");
}

/* Who lends may die: a lookup does not find it, what was lent keeps it until it is given back. */
static void dying(void)
{
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_device_map, .dom = 1, .ref = 3 };
	struct gnttab_unmap_grant_ref unmap = { 0 };
	struct gnttab_copy copy = {
		.source = { .u.ref = 3, .domid = 1 },
		.dest = { .u.gmfn = OURS, .domid = DOMID_SELF },
		.flags = GNTCOPY_source_gref,
		.len = 8,
	};

	guest_start();
	world_swap();
	lend(3, FOREIGN_FIRST + 4, 0);
	world_swap();
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_okay && world_foreign.refs == 2, "lent; no lookup holds it");
	domain_kill(&world_foreign);
	check(world_foreign.refs == 1 && !world_ended, "its frames do");
	check(page_owner(page_of(_mfn(FOREIGN_FIRST + 4))) == &world_foreign, "which it owns");
	unmap.handle = map.handle;
	unmap.dev_bus_addr = map.dev_bus_addr;
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	hc_grant_table_op(GNTTABOP_copy, (u64)&copy, 1);
	check(map.status == GNTST_bad_domain && copy.status == GNTST_bad_domain,
	      "nothing more of the dying");
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1);
	check(unmap.status == GNTST_okay && world_foreign.refs == 1, "given back to the dying");
	check(domain_of_frames(1) == &world_foreign &&
		      hc_memory_op(XENMEM_current_reservation, (u64)&(domid_t){ 1 }) == -ESRCH,
	      "it still is somebody, whom nobody finds");
	domain_discard_pages(&world_foreign);
	check(world_ended == 1, "with its last frame it goes");
	check(!world_foreign.nr_owned && !domain_of_frames(1), "and its number is free");
	all_ok("a domain lasts as long as its frames");
	/* The audit knows two domains. */
	guest_start();
}

/* Lookups that come to nothing give back what they took. */
static void refused(void)
{
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_device_map, .dom = 1, .ref = 3 };
	struct gnttab_copy copy = {
		.source = { .u.ref = 3, .domid = 1 },
		.dest = { .u.gmfn = OURS, .domid = DOMID_SELF },
		.flags = GNTCOPY_source_gref,
		.len = 8,
	};

	guest_start();
	for (unsigned i = 0; i < 3; i++) {
		hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
		hc_grant_table_op(GNTTABOP_copy, (u64)&copy, 1);
		check(map.status && copy.status, "nothing is lent");
		/* Then a frame that is not the lender's, then one for reading only. */
		world_swap();
		lend(3, i ? FOREIGN_FIRST + 4 : OURS, 0);
		world_swap();
		map.dom = copy.source.domid = 1;
		map.ref = copy.source.u.ref = i ? 1 << 20 : 3;
		check(world_foreign.refs == 2, "no reference is left");
	}
	check(!page_is_shared_out(page_of(_mfn(OURS))), "nor a mark on what was not the lender's");
	audited("a lookup that came to nothing leaves no reference");
}

void owners(void)
{
	foreign();
	retype();
	release();
	exchange();
	orphans();
	readmitted();
	tables();
	lent();
	dying();
	refused();
	world_controls = false;
}
