/* SPDX-License-Identifier: MIT */
/*
 * Orphans: domain 0 gives back frames that domain 1 has in its tables or by a grant. They leave at
 * once, and are free with the last reference, whoever has it and whatever he remembers (MEM-5).
 */
#include <asm/domain_map.h>
#include <asm/foreign_entries.h>
#include <asm/gnttab.h>
#include <asm/m2p.h>
#include <asm/orphan.h>
#include <asm/page_type.h>
#include <isola/errno.h>
#include <xen/memory.h>
#include "cases.h"

static struct page_info *ours(void) { return page_of(_mfn(OURS)); }

static bool is_orphan(const struct page_info *pg)
{
	return (pg->count_info & ~PGC_foreign_mask) == PGC_leaving;
}

/* Domain 1's processor goes through its entry; then the last reference goes, on its CPU. */
static void let_go(void)
{
	world_swap();
	tlb_use[THEIR_L1][USE_L1] = true;
	tlb_touch(THEIR_L1, 0);
	world_swap();
	check(their_entry(0) == 0, "their entry goes");
	check(is_orphan(ours()) && they_remember(OURS), "not free while they remember it");
	check(world_audit() == 0, "an orphan waits");
	world_swap();
	world_way_out();
	world_swap();
	check(!they_remember(OURS) && ours()->count_info == 0, "then it is");
}

static void mapped(pte_t rights)
{
	u32 nr, nr_owned;

	they_use(OURS, rights, true);
	nr = world_domain.nr_pages;
	nr_owned = world_domain.nr_owned;
	check(give_back(OURS, 0) == 1, "it is given back while it is mapped");
	check(world_domain.nr_pages == nr - 1 && !window_shows(&world_domain, OURS),
	      "its owner has no more to do with it");
	check(pfn_x(m2p_get(_mfn(OURS))) == pfn_x(INVALID_M2P), "it has no name");
	check(is_orphan(ours()) && world_domain.nr_owned == nr_owned, "an orphan, still owned");
	check(!page_get(ours(), &world_domain) && !page_get_foreign(ours(), &world_domain),
	      "nobody gets it");
	check(their_entry(names(OURS) | (rights ^ PTE_RW)) == -EBUSY,
	      "what could only be read cannot be written now, nor the other way round");
	check(world_audit() == 0, "so far");
	let_go();
	check(world_domain.nr_owned == nr_owned - 1, "and not owned");
	audited(rights ? "a frame that others write to is given back"
		       : "a frame that others read is given back");
}

static void held_by_its_owner(void)
{
	they_use(OURS, 0, true);
	check(page_get(ours(), &world_domain), "a reference of its own");
	check(give_back(OURS, 0) == 0, "it stays");
	page_put(ours());
	check(give_back(OURS, 0) == 1 && is_orphan(ours()), "it goes");
	let_go();
	audited("what its owner holds itself stays");
}

static void exchanged(void)
{
	u64 in[1] = { OURS }, out[1] = { 5 };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF, .extent_start.p = (void *)in },
		.out = { .nr_extents = 1, .domid = DOMID_SELF, .extent_start.p = (void *)out },
	};

	they_use(OURS, PTE_RW, true);
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == 0 && x.nr_exchanged == 1, "exchanged");
	check(out[0] != OURS && is_orphan(ours()), "another has come for it");
	let_go();
	audited("a frame that others write to is exchanged");
}

/* Domain 1 lends; it gives the frame back while domain 0 has it mapped, and dies. */
static void lent(void)
{
	struct page_info *pg = page_of(_mfn(FOREIGN_FIRST + 4));
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map | GNTMAP_contains_pte,
					    .dom = 1, .ref = 3, .host_addr = entry_at(12, 0) };
	struct gnttab_unmap_grant_ref unmap = { .host_addr = map.host_addr };

	they_use(OURS, 0, false);
	check(ext(MMUEXT_PIN_L1_TABLE, 12, 0) == 0, "a table");
	world_swap();
	lend(3, FOREIGN_FIRST + 4, 0);
	world_swap();
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_okay, "lent");
	tlb_use[12][USE_L1] = true;
	tlb_touch(12, 0);
	world_swap();
	check(give_back(FOREIGN_FIRST + 4, 0) == 1 && is_orphan(pg), "the lender gives it back");
	check(world_audit() == 0, "two references are left");
	world_swap();
	check(update(entry_at(12, 0), 0) == 0 && is_orphan(pg) && !this_cpu.orphans,
	      "the handle's is left");
	unmap.handle = map.handle;
	unmap.host_addr = 0;
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_bad_page, "it cannot be mapped anew");
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1);
	check(unmap.status == GNTST_okay && is_orphan(pg), "nothing was to be undone there");
	world_way_out();
	audited("a frame that is lent is given back");
}

/* The number of a domain is nobody else's before its last frame is free. */
static void last_of_the_dead(void)
{
	they_use(OURS, PTE_RW, true);
	check(give_back(OURS, 0) == 1, "an orphan");
	domain_kill(&world_domain);
	domain_discard_pages(&world_domain);
	check(!world_ended && domain_of_frames(0) == &world_domain, "who owned it is still there");
	check(world_domain.nr_owned == 1, "because of it");
	check(their_entry(0) == 0 && !world_ended, "with its last reference");
	world_swap();
	world_way_out();
	check(world_ended == 1 && !domain_of_frames(0), "it goes");
	world_swap();
	all_ok("a domain lasts as long as its orphans");
}

/* Domain 1 is taken apart: what its L1 names of ours is ours again, and nobody else's. */
static void end_of_theirs(void)
{
	domain_kill(&world_foreign);
	world_foreign.end_frame = world_foreign.page_list;
	while (foreign_entries_release(&world_foreign))
		;
}

static void the_user_dies(pte_t rights)
{
	struct page_info *theirs = page_of(_mfn(THEIR_L1 + 1));
	u64 before;

	they_use(OURS, rights, true);
	before = theirs->count_info;
	end_of_theirs();
	check(!(ours()->count_info & PGC_foreign_mask), "nobody holds it");
	check(!(ours()->type_info & PGT_count_mask), "nor writes to it");
	check(theirs->count_info == before, "their own are not looked at");
	domain_discard_pages(&world_foreign);
	check(world_ended == 1 && theirs->count_info == 0, "nothing is left of them");
	check(give_back(OURS, 0) == 1 && ours()->count_info == 0, "it is given back, and free");
	all_ok(rights ? "a domain dies that writes to another's frame"
		      : "a domain dies that reads another's frame");
	guest_start();
}

/* Entries of what is an L1 no more, or only in part, are numbers. */
static void what_was_a_table(void)
{
	they_use(OURS, 0, true);
	world_swap();
	check(page_unpin(&world_foreign, _mfn(THEIR_L1)) == 0, "no table any more");
	world_swap();
	check(!(ours()->count_info & PGC_foreign_mask), "its entries have given theirs back");
	end_of_theirs();
	check(!(ours()->count_info & PGC_foreign_mask), "once");
	domain_discard_pages(&world_foreign);
	they_use(OURS, 0, true);
	check(page_get_foreign(ours(), &world_domain), "somebody else's");
	page_of(_mfn(THEIR_L1))->type_info = PGT_l1 | PGT_partial | 1;
	page_of(_mfn(THEIR_L1))->nr_validated = 0;
	end_of_theirs();
	check((ours()->count_info & PGC_foreign_mask) == 2 * PGC_foreign_one, "none of its own");
	domain_discard_pages(&world_foreign);
	all_ok("a domain dies whose entries hold nothing");
	guest_start();
}

/* What dies gets no frame, and gives none back but by its end (LIFE-2). */
static void none_for_the_dying(void)
{
	guest_start();
	domain_kill(&world_foreign);
	check(domain_assign_pages(&world_foreign, _mfn(FREE_FIRST), 0) == -ENOMEM, "none comes");
	check(domain_release_page(&world_foreign, _mfn(FOREIGN_FIRST + 4)) == -EBUSY, "none goes");
	domain_discard_pages(&world_foreign);
	all_ok("the dying get no memory");
	guest_start();
}

void orphans(void)
{
	the_user_dies(0);
	the_user_dies(PTE_RW);
	what_was_a_table();
	none_for_the_dying();
	mapped(0);
	mapped(PTE_RW);
	held_by_its_owner();
	exchanged();
	lent();
	last_of_the_dead();
}
