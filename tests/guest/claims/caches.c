/* SPDX-License-Identifier: MIT */
/*
 * Cache types: how the processor caches RAM that a guest maps.
 *
 * The rule: who drives devices may map its own RAM by any of the eight cache types, in every way
 * that makes an entry; others, and for pages that the hypervisor works on itself, may not. A frame
 * that was mapped so is as good as any other afterwards (XSA-402). That lines are flushed no guest
 * can see in an emulator, which keeps all memory coherent: tests/unit/mm/cases_caches.c.
 */
#define TOPIC "caches"
#include "../claim.h"
#include "../lending.h"
#include "../memory.h"
#include "../traps.h"

#define CACHE_BITS	(PTE_PWT | PTE_PCD | PTE_PS)	/* the last is PAT in an L1 */

/* The bits of type @i, 0 to 7: PAT's index. */
static uint64_t cache_type(unsigned int i)
{
	return (i & 1 ? PTE_PWT : 0) | (i & 2 ? PTE_PCD : 0) | (i & 4 ? PTE_PS : 0);
}

static bool has_devices(void) { return start->flags & SIF_INITDOMAIN; }

/* What asking for type @i answers. */
static long answer(unsigned int i) { return i && !has_devices() ? -XEN_EINVAL : 0; }

/* window(0) is mapped as @pte says, if it may be so. */
static void check_mapped(uint64_t pte, unsigned int i)
{
	volatile uint64_t *at = window(0);

	if (answer(i))
		return;
	CHECK_EQ(l1e(at) & (CACHE_BITS | PTE_RW), pte & (CACHE_BITS | PTE_RW));
	CHECK_EQ(*at, 0xcac4e);
	if (pte & PTE_RW)
		*at = 0xcac4e;
}

CLAIM(calls, "each cache type can be had for RAM by update_va_mapping and by both kinds of "
	     "mmu_update, where one drives devices; else -EINVAL")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	uint64_t *page = page_alloc();

	page[0] = 0xcac4e;
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t pte = make_pte(mfn_of(page), i & 8 ? PTE_RW_PAGE : PTE_RO_PAGE) |
			       cache_type(i & 7);

		CHECK_EQ(remap(window(0), pte), answer(i & 7));
		check_mapped(pte, i & 7);
		CHECK_OK(remap(window(0), 0));
		CHECK_EQ(write_entry(e, pte), answer(i & 7));
		check_mapped(pte, i & 7);
		CHECK_OK(remap(window(0), 0));
		CHECK_EQ(mmu_update(maddr_of(e) | MMU_PT_UPDATE_PRESERVE_AD, pte), answer(i & 7));
		check_mapped(pte, i & 7);
		CHECK_OK(remap(window(0), 0));
	}
}

CLAIM(changed, "an entry changes from each cache type to each other, and the page stays usable")
{
	uint64_t *page = page_alloc();

	page[0] = 0xcac4e;
	CHECK_OK(remap(window(0), rw_pte(page)));
	for (unsigned int i = 0; i < 8; i++)
		for (unsigned int k = 0; k < 8; k++) {
			CHECK_EQ(remap(window(0), rw_pte(page) | cache_type(i)), answer(i));
			CHECK_EQ(remap(window(0), rw_pte(page) | cache_type(k)), answer(k));
			check_mapped(rw_pte(page) | cache_type(k), k);
		}
	CHECK_OK(remap(window(0), rw_pte(page)));
	CHECK_EQ(page[0], 0xcac4e);
}

CLAIM(stored, "each cache type can be had by a store into the table, and by a table's pin, where "
	      "one drives devices")
{
	volatile uint64_t *e = (volatile uint64_t *)entry_of(window(0), 1);
	uint64_t *page = page_alloc(), *l1 = page_alloc();

	page[0] = 0xcac4e;
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t pte = rw_pte(page) | cache_type(i);

		if (!answer(i)) {
			CHECK_NO_TRAP("movq %1, %0", : "=m"(*e) : "r"(pte) : "memory");
			mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
			check_mapped(pte, i);
			CHECK_NO_TRAP("movq $0, %0", : "=m"(*e) : : "memory");
		}
		l1[7] = pte;
		CHECK_OK(make_readonly(l1));
		CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(l1), 0), answer(i));
		if (!answer(i))
			CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(l1), 0));
		CHECK_OK(make_writable(l1));
	}
	CHECK_OK(remap(window(0), rw_pte(window(0))));
}

CLAIM(becomes_table, "a page that was written by each cache type becomes a page table of what was "
		     "written, and data again")
{
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t *table = page_alloc(), *page = page_alloc();
		volatile uint64_t *at = window(0);

		if (answer(i))
			continue;
		page[0] = 0xcac4e + i;
		CHECK_OK(remap(window(0), rw_pte(table) | cache_type(i)));
		at[3] = make_pte(mfn_of(page), PTE_RO_PAGE);
		CHECK_OK(make_readonly(table));
		CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), XEN_EINVAL);
		CHECK_OK(remap(window(0), rw_pte(window(0))));
		CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
		CHECK_EQ(pte_mfn(table[3]), mfn_of(page));
		CHECK(make_writable(table) < 0);
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
		CHECK_OK(make_writable(table));
	}
	CHECK_OK(remap(window(0), rw_pte(window(0))));
}

CLAIM_DOM0(hypervisors, "shared_info and grant frames, which the hypervisor works on too, are "
			"mapped write-back or not at all: -EACCES")
{
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 1 };
	unsigned long frames[2] = { start->shared_info >> 12 };

	s.frame_list.p = &frames[1];
	CHECK_OK(HC3(grant_table_op, GNTTABOP_setup_table, &s, 1));
	CHECK_EQ(s.status, GNTST_okay);
	for (unsigned int k = 0; k < 2; k++)
		for (unsigned int i = 0; i < 16; i++) {
			uint64_t pte = make_pte(frames[k], i & 8 ? PTE_RW_PAGE : PTE_RO_PAGE) |
				       cache_type(i & 7);

			CHECK_EQ(remap(window(0), pte), i & 7 ? -XEN_EACCES : 0);
		}
	CHECK_OK(remap(window(0), rw_pte(window(0))));
}
