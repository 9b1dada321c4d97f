/* SPDX-License-Identifier: MIT */
/*
 * Orphans: domain 0 gives back frames that domain 1 has in its tables or by a grant. They leave at
 * once, and are free with the last reference, whoever has it and whatever he remembers (MEM-5).
 */
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

void orphans(void)
{
	mapped(0);
	mapped(PTE_RW);
	held_by_its_owner();
	exchanged();
	lent();
	last_of_the_dead();
}
