/* SPDX-License-Identifier: MIT */
/*
 * Page tables: everything a booting kernel does to its own, and what it must never get away with.
 *
 * The rule: a frame is a page table or writable, never both; every present entry of a table in use
 * has been checked. The guest maps, unmaps, pins and switches; offers frames that are not its own,
 * tables that are still writable, bits that are not allowed; and compares each answer with Xen's.
 */
#define TOPIC "paging"
#include "../claim.h"
#include "../events.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"
#include "../user.h"
#include <xen/grant_table.h>

#define NOBODYS_MFN 0x3fffffffffful		/* far beyond any RAM */

static unsigned long l4_mfn(void)
{
	return mfn_of((void *)start->pt_base);
}

/* A page frame of ours with ordinary access. */
static uint64_t rw_pte(const volatile void *va)
{
	return make_pte(mfn_of(va), PTE_RW_PAGE);
}

static uint64_t table_pte(const volatile void *va)
{
	return make_pte(mfn_of(va), PTE_TABLE);
}

/* L1 entry of @va as the hypervisor and the CPU see it. */
static uint64_t l1e(const volatile void *va)
{
	return *entry_of(va, 1);
}

/* Three tables, L3 -> L2 -> L1, that map @mfn at offset 0; not pinned, not hooked, read-only. */
struct tree {
	uint64_t *l1, *l2, *l3;
};

static struct tree tree_build(unsigned long mfn, uint64_t flags)
{
	struct tree t = { page_alloc(), page_alloc(), page_alloc() };

	t.l1[0] = make_pte(mfn, flags);
	t.l2[0] = table_pte(t.l1);
	t.l3[0] = table_pte(t.l2);
	CHECK_OK(make_readonly(t.l1));
	CHECK_OK(make_readonly(t.l2));
	CHECK_OK(make_readonly(t.l3));
	return t;
}

/* L4 slot for trees; the address it maps at. */
#define TREE_SLOT 5u
#define TREE_VA ((volatile uint64_t *)((unsigned long)TREE_SLOT << 39))

static const volatile uint64_t *l4_slot(unsigned int i)
{
	return (uint64_t *)start->pt_base + i;
}

CLAIM(uva_map, "update_va_mapping maps a frame of ours at another address, and its store is the "
      "entry submitted plus US")
{
	uint64_t *page = page_alloc();
	uint64_t submitted = make_pte(mfn_of(page), PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX);

	page[3] = 0x4242;
	CHECK_OK(HC3(update_va_mapping, window(0), submitted, UVMF_INVLPG));
	CHECK_EQ(((volatile uint64_t *)window(0))[3], 0x4242);
	/* Xen 4.17 marks kernel entries with bit 52 and user ones with G. */
	CHECK_EQ(l1e(window(0)) & ~(1ul << 52 | PTE_G), submitted | PTE_US);
}

CLAIM(uva_flags, "update_va_mapping takes every flush kind Linux uses: none, TLB and INVLPG, local "
      "and all")
{
	static const unsigned long flags[] = {
		UVMF_NONE, UVMF_TLB_FLUSH, UVMF_INVLPG, UVMF_TLB_FLUSH | UVMF_ALL,
		UVMF_INVLPG | UVMF_ALL,
	};
	uint64_t *page = page_alloc();

	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		CHECK_OK(HC3(update_va_mapping, window(0), rw_pte(page), flags[i]));
}

CLAIM(uva_vcpu_mask, "update_va_mapping with a pointer to a vCPU bitmap reads it; a bad pointer is "
      "no crash")
{
	static uint64_t mask[64] = { 1 };
	uint64_t pte = rw_pte(window(0));

	CHECK_OK(HC3(update_va_mapping, window(0), pte, UVMF_INVLPG | ARG(mask)));
	CHECK_OK(HC3(update_va_mapping, window(0), pte, UVMF_TLB_FLUSH | ARG(mask)));
	HC3(update_va_mapping, window(0), pte, UVMF_INVLPG | (ARG(UNMAPPED_POINTER) & ~7ul));
}

CLAIM(uva_not_present, "update_va_mapping stores any non-present value as it is, and the page "
      "faults")
{
	uint64_t v;

	CHECK_OK(remap(window(0), 0x123456789abcde00ul & ~PTE_P));
	CHECK_EQ(l1e(window(0)), 0x123456789abcde00ul & ~PTE_P);
	CHECK(!try_read(window(0), &v));
	CHECK_EQ(trap_last.error, 0);
}

CLAIM(uva_software_bits, "the software bits 9 to 11 and 53 to 62 of a present entry survive")
{
	/* Bit 52 is Xen's own in 4.17, so not asked; Linux needs 58 to 62 of the upper ones. */
	uint64_t pte = (rw_pte(window(0)) | PTE_NX | PTE_AVAIL) | 0x7feul << 52;

	if (remap(window(0), pte))
		pte &= ~(0x7feul << 52);
	CHECK_OK(remap(window(0), pte | 0x7c0ul << 52));
	CHECK_EQ(l1e(window(0)) & (PTE_AVAIL | 0x7c0ul << 52), PTE_AVAIL | 0x7c0ul << 52);
}

CLAIM(uva_bad_frames, "frames beyond RAM that are nobody's, and a hole of L1 tables, are refused, "
      "and the old entry stays")
{
	uint64_t old = l1e(window(0));

	CHECK_ERR(remap(window(0), make_pte(NOBODYS_MFN, PTE_RW_PAGE)), XEN_EINVAL);
	CHECK_EQ(l1e(window(0)), old);
	CHECK_ERR(remap(UNMAPPED_POINTER, rw_pte(window(0))), XEN_EINVAL);
	CHECK_ERR(remap(HYPERVISOR_POINTER, rw_pte(window(0))), XEN_EINVAL);
	CHECK_ERR(remap(HYPERVISOR_POINTER, 0), XEN_EINVAL);
	CHECK_ERR(remap((void *)HYPERVISOR_VIRT_START, 0), XEN_EINVAL);
	CHECK_ERR(remap((void *)(HYPERVISOR_VIRT_END - PAGE_BYTES), 0), XEN_EINVAL);
}

/* The first frame of our grant table, which is ours without being in the p2m list; 0: no grants. */
static unsigned long grant_frame(void)
{
	unsigned long frame = 0;
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

	setup.frame_list.p = &frame;
	return HC3(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status ? 0 : frame;
}

/* Try to map each frame in [@first, @end) that is not ours, read-only; how many could be. */
static unsigned long map_foreign(unsigned long first, unsigned long end, unsigned long *refused)
{
	unsigned long grants = grant_frame();
	unsigned long mapped = 0;

	for (unsigned long mfn = first; mfn < end; mfn++) {
		uint64_t pfn;

		if (mfn == start->shared_info / PAGE_BYTES || mfn == grants)
			continue;
		if (try_read(&machine_to_phys_mapping[mfn], &pfn) && pfn < start->nr_pages &&
		    mfn_of_pfn(pfn) == mfn)
			continue;
		if (remap(window(0), make_pte(mfn, PTE_RO_PAGE))) {
			++*refused;
		} else {
			mapped++;
			note("frame 0x%lx could be mapped", mfn);
		}
	}
	return mapped;
}

CLAIM(hypervisor_frames, "no frame of RAM that is not ours can be mapped, not even read-only")
{
	struct e820_entry {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) *e = page_alloc();
	struct xen_memory_map map = { .nr_entries = PAGE_BYTES / sizeof(*e) };
	unsigned long refused = 0;

	map.buffer.p = e;
	CHECK_OK(HC2(memory_op, XENMEM_machine_memory_map, &map));
	for (unsigned int i = 0; i < map.nr_entries; i++) {
		unsigned long first = (e[i].addr + PAGE_BYTES - 1) / PAGE_BYTES;

		/* Below 1 MiB a dom0 may see what it likes. */
		if (e[i].type == 1)
			CHECK_EQ(map_foreign(first < 0x100 ? 0x100 : first,
					     (e[i].addr + e[i].size) / PAGE_BYTES, &refused), 0);
	}
	CHECK(refused > 0);
}

CLAIM(uva_table_writable, "a page table in use cannot be mapped writable: -EBUSY; read-only it can")
{
	unsigned long l4 = l4_mfn();

	CHECK_ERR(remap(window(0), make_pte(l4, PTE_RW_PAGE)), XEN_EBUSY);
	CHECK_OK(remap(window(0), make_pte(l4, PTE_RO_PAGE)));
	CHECK_EQ(((volatile uint64_t *)window(0))[511], ((volatile uint64_t *)start->pt_base)[511]);
}

CLAIM(uva_bad_bits, "an L1 entry with physical address bits that no RAM has is refused, and the "
      "old one stays")
{
	uint64_t pte = rw_pte(window(0));

	/* To the hypervisor that is a frame beyond RAM: -EINVAL, or -EPERM as for device memory. */
	for (unsigned int bit = 46; bit < 52; bit++) {
		long rc = remap(window(0), pte | 1ul << bit);

		CHECK(rc == -XEN_EINVAL || rc == -XEN_EPERM);
	}
	CHECK_EQ(l1e(window(0)) & PTE_FRAME, pte & PTE_FRAME);
}

CLAIM(mmu_update_l1, "mmu_update of an L1 entry maps and unmaps a page")
{
	uint64_t *page = page_alloc(), v;
	const volatile uint64_t *e = entry_of(window(0), 1);

	page[0] = 0x11;
	CHECK_OK(write_entry(e, rw_pte(page)));
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK_EQ(*(volatile uint64_t *)window(0), 0x11);
	CHECK_OK(write_entry(e, 0));
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(!try_read(window(0), &v));
}

CLAIM(mmu_update_batch, "mmu_update stops at the first bad request and counts the good ones before "
      "it")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	uint64_t pte = make_pte(mfn_of(window(0)), PTE_RO_PAGE);
	struct mmu_update u[4] = {
		{ maddr_of(e), pte },
		{ maddr_of(e), pte | PTE_AVAIL },
		{ maddr_of(e), make_pte(NOBODYS_MFN, PTE_RO_PAGE) },
		{ maddr_of(e), 0 },
	};
	unsigned int done = 77;

	CHECK_ERR(HC4(mmu_update, u, 4, &done, DOMID_SELF), XEN_EINVAL);
	CHECK_EQ(done, 2);
	CHECK_EQ(l1e(window(0)) & PTE_AVAIL, PTE_AVAIL);
	CHECK_OK(HC4(mmu_update, u, 2, &done, DOMID_SELF));
	CHECK_EQ(done, 2);
	CHECK_OK(HC4(mmu_update, u, 0, &done, DOMID_SELF));
}

CLAIM(mmu_update_many, "a batch of 100 requests is carried out in full")
{
	struct mmu_update *u = page_alloc();
	unsigned int done = 0;
	const volatile uint64_t *e = entry_of(window(0), 1);

	for (unsigned int i = 0; i < 100; i++)
		u[i] = (struct mmu_update){
			maddr_of(e), make_pte(mfn_of(window(0)), i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE),
		};
	CHECK_OK(HC4(mmu_update, u, 100, &done, DOMID_SELF));
	CHECK_EQ(done, 100);
	CHECK_EQ(l1e(window(0)) & PTE_RW, PTE_RW);
}

CLAIM(mmu_update_refusals, "mmu_update refuses bad commands, misaligned and foreign entries, and "
      "domains that do not exist")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	struct mmu_update u = { maddr_of(e) | 5, 0 };

	CHECK_ERR(HC4(mmu_update, &u, 1, 0, DOMID_SELF), XEN_ENOSYS);
	u.ptr = make_pte(NOBODYS_MFN, 0);
	CHECK_ERR(HC4(mmu_update, &u, 1, 0, DOMID_SELF), XEN_EINVAL);
	u.ptr = maddr_of(e);
	CHECK_ERR(HC4(mmu_update, &u, 1, 0, 1234), XEN_ESRCH);
}

CLAIM(mmu_update_done_pointer, "mmu_update whose count of done requests cannot be stored is no "
      "crash, and the request is carried out")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	struct mmu_update u = { maddr_of(e), 0 };
	long rc = HC4(mmu_update, &u, 1, UNMAPPED_POINTER, DOMID_SELF);

	/* Xen ignores the failure; saying -EFAULT is legal. */
	CHECK(rc == 0 || rc == -XEN_EFAULT);
	CHECK_EQ(*e, 0);
}

CLAIM(mmu_update_plain_page, "mmu_update of a page that is no table stores 8 bytes")
{
	uint64_t *page = page_alloc();

	CHECK_OK(write_entry(page + 7, 0xdeadbeef12345678));
	CHECK_EQ(page[7], 0xdeadbeef12345678);
}

CLAIM(machphys_update, "MMU_MACHPHYS_UPDATE changes the machine-to-phys table for a frame of ours, "
      "and refuses others")
{
	void *page = page_alloc();
	uint64_t mfn = mfn_of(page);

	CHECK_OK(mmu_update(mfn << 12 | MMU_MACHPHYS_UPDATE, 0xabcd));
	CHECK_EQ(pfn_of_mfn(mfn), 0xabcd);
	CHECK_OK(mmu_update(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn_of(page)));
	CHECK_EQ(pfn_of_mfn(mfn), pfn_of(page));
	CHECK_ERR(mmu_update(NOBODYS_MFN << 12 | MMU_MACHPHYS_UPDATE, 1), XEN_EINVAL);
}

CLAIM(preserve_ad, "MMU_PT_UPDATE_PRESERVE_AD keeps the accessed and dirty bits of the old entry")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	uint64_t pte = make_pte(mfn_of(window(0)), PTE_P | PTE_RW | PTE_US);

	CHECK_OK(write_entry(e, pte | PTE_A | PTE_D));
	CHECK_OK(mmu_update(maddr_of(e) | MMU_PT_UPDATE_PRESERVE_AD, pte));
	CHECK_EQ(*e & (PTE_A | PTE_D), PTE_A | PTE_D);
	CHECK_OK(mmu_update(maddr_of(e) | MMU_NORMAL_PT_UPDATE, pte));
	CHECK_EQ(*e & PTE_D, 0);
}

CLAIM(accessed_dirty, "the CPU sets accessed and dirty bits in the guest's own table")
{
	const volatile uint64_t *e = entry_of(window(0), 1);

	CHECK_OK(write_entry(e, make_pte(mfn_of(window(0)), PTE_P | PTE_RW | PTE_US)));
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	(void)*(volatile uint64_t *)window(0);
	CHECK_EQ(*e & PTE_A, PTE_A);
	*(volatile uint64_t *)window(0) = 1;
	CHECK_EQ(*e & PTE_D, PTE_D);
}

CLAIM(hook_l3, "a tree of new tables hooked into an L4 slot maps its page; unhooked it is gone, "
      "and its pages can be written again")
{
	uint64_t *page = page_alloc(), v;
	struct tree t = tree_build(mfn_of(page), PTE_RW_PAGE);

	page[0] = 0x1717;
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3)));
	CHECK_EQ(*TREE_VA, 0x1717);
	*TREE_VA = 0x1818;
	CHECK_EQ(*(volatile uint64_t *)page, 0x1818);
	CHECK_ERR(make_writable(t.l1), XEN_EBUSY);
	CHECK_ERR(make_writable(t.l2), XEN_EBUSY);
	CHECK_ERR(make_writable(t.l3), XEN_EBUSY);
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
	CHECK(!try_read(TREE_VA, &v));
	CHECK_OK(make_writable(t.l1));
	CHECK_OK(make_writable(t.l2));
	CHECK_OK(make_writable(t.l3));
}

CLAIM(upper_updates, "mmu_update of L3 and L2 entries of tables in use takes effect at once")
{
	uint64_t *page = page_alloc(), *other = page_alloc(), v;
	struct tree t = tree_build(mfn_of(page), PTE_RW_PAGE);
	uint64_t *l1 = page_alloc();

	page[0] = 1;
	other[0] = 2;
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3)));
	CHECK_EQ(*TREE_VA, 1);
	l1[0] = rw_pte(other);
	CHECK_OK(make_readonly(l1));
	CHECK_OK(write_entry(t.l2, table_pte(l1)));
	CHECK_EQ(*TREE_VA, 2);
	CHECK_OK(write_entry(t.l3, 0));
	CHECK(!try_read(TREE_VA, &v));
	CHECK_OK(write_entry(t.l3, table_pte(t.l2)));
	CHECK_EQ(*TREE_VA, 2);
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
}

CLAIM(hook_bad_trees, "a tree with a wrong entry anywhere is refused whole, and its pages stay as "
      "they were")
{
	void *page = page_alloc();

	for (unsigned int kind = 0; kind < 6; kind++) {
		struct tree t = { page_alloc(), page_alloc(), page_alloc() };

		t.l1[0] = rw_pte(page);
		t.l2[0] = table_pte(t.l1);
		t.l3[0] = table_pte(t.l2);
		switch (kind) {
		case 0:
			t.l1[511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
			break;
		case 1:			/* writable mapping of a table of the same tree */
			t.l1[511] = rw_pte(t.l2);
			break;
		case 2:			/* a 2 MiB page */
			t.l2[511] = make_pte(mfn_of(page) & ~511ul, PTE_RW_PAGE | PTE_PS);
			break;
		case 3:			/* an L2 where an L1 belongs */
			t.l2[511] = table_pte(t.l2);
			break;
		case 4:			/* the L4 in use as an L1 */
			t.l2[511] = make_pte(l4_mfn(), PTE_TABLE);
			break;
		case 5:			/* a frame of nobody as L2 */
			t.l3[511] = make_pte(NOBODYS_MFN, PTE_TABLE);
			break;
		}
		CHECK_OK(make_readonly(t.l1));
		CHECK_OK(make_readonly(t.l2));
		CHECK_OK(make_readonly(t.l3));
		CHECK_SAY(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3)) < 0,
			  "tree %u was taken", kind);
		CHECK_EQ(*l4_slot(TREE_SLOT), 0);
		CHECK_OK(make_writable(t.l1));
		CHECK_OK(make_writable(t.l2));
		CHECK_OK(make_writable(t.l3));
	}
}

CLAIM(hook_writable_table, "a table that is still mapped writable is refused")
{
	uint64_t *l3 = page_alloc();

	CHECK(write_entry(l4_slot(TREE_SLOT), table_pte(l3)) < 0);
	CHECK_EQ(*l4_slot(TREE_SLOT), 0);
	CHECK(try_write(l3, 0));
}

CLAIM(l4_hypervisor_slots, "L4 slots 256 to 271 are the hypervisor's: mmu_update of each is "
      "-EINVAL")
{
	struct tree t = tree_build(mfn_of(page_alloc()), PTE_RW_PAGE);

	for (unsigned int i = 256; i < 272; i++) {
		CHECK_ERR(write_entry(l4_slot(i), 0), XEN_EINVAL);
		CHECK_ERR(write_entry(l4_slot(i), table_pte(t.l3)), XEN_EINVAL);
	}
	CHECK_OK(write_entry(l4_slot(272), table_pte(t.l3)));
	CHECK_EQ(*(volatile uint64_t *)HYPERVISOR_VIRT_END, 0);
	CHECK_OK(write_entry(l4_slot(272), 0));
}

CLAIM(upper_bad_bits, "PS, G, PWT or PCD in an L2, L3 or L4 entry is -EINVAL")
{
	struct tree t = tree_build(mfn_of(page_alloc()), PTE_RW_PAGE);

	CHECK_ERR(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3) | PTE_PS), XEN_EINVAL);
	CHECK_ERR(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3) | PTE_G), XEN_EINVAL);
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3)));
	CHECK_ERR(write_entry(t.l3, table_pte(t.l2) | PTE_PS), XEN_EINVAL);
	CHECK_ERR(write_entry(t.l2, table_pte(t.l1) | PTE_PS), XEN_EINVAL);
	CHECK_ERR(write_entry(t.l2, table_pte(t.l1) | PTE_PCD), XEN_EINVAL);
	CHECK_ERR(write_entry(t.l2, table_pte(t.l1) | PTE_PWT), XEN_EINVAL);
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
}

CLAIM(pin_each_level, "a table of each level can be pinned once, not twice, and unpinned once")
{
	struct tree t = tree_build(mfn_of(page_alloc()), PTE_RW_PAGE);
	uint64_t *l4 = page_alloc();
	struct {
		unsigned int cmd;
		uint64_t *table;
	} const list[] = {
		{ MMUEXT_PIN_L1_TABLE, t.l1 }, { MMUEXT_PIN_L2_TABLE, t.l2 },
		{ MMUEXT_PIN_L3_TABLE, t.l3 }, { MMUEXT_PIN_L4_TABLE, l4 },
	};

	l4[TREE_SLOT] = table_pte(t.l3);
	CHECK_OK(make_readonly(l4));
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_OK(mmuext(list[i].cmd, mfn_of(list[i].table), 0));
		CHECK_ERR(mmuext(list[i].cmd, mfn_of(list[i].table), 0), XEN_EINVAL);
		CHECK_ERR(make_writable(list[i].table), XEN_EBUSY);
	}
	for (unsigned int i = 4; i--;) {
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(list[i].table), 0));
		CHECK_ERR(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(list[i].table), 0), XEN_EINVAL);
		CHECK_OK(make_writable(list[i].table));
	}
}

CLAIM(pin_refusals, "pinning writable pages, tables of another level, bad tables and frames of "
      "nobody is -EINVAL")
{
	struct tree t = tree_build(mfn_of(page_alloc()), PTE_RW_PAGE);
	uint64_t *plain = page_alloc(), *bad = page_alloc();

	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(plain), 0), XEN_EINVAL);
	CHECK_OK(mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(t.l2), 0));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(t.l2), 0), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(t.l1), 0), XEN_EINVAL);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(t.l2), 0));
	bad[100] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
	CHECK_OK(make_readonly(bad));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(bad), 0), XEN_EINVAL);
	CHECK_OK(make_writable(bad));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, NOBODYS_MFN, 0), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_UNPIN_TABLE, NOBODYS_MFN, 0), XEN_EINVAL);
}

CLAIM(shared_l1, "one L1 may hang in two L2 tables")
{
	uint64_t *page = page_alloc(), *l1 = page_alloc(), *l2 = page_alloc(), *l3 = page_alloc();

	page[0] = 0x2b2b;
	l1[0] = rw_pte(page);
	CHECK_OK(make_readonly(l1));
	l2[0] = l2[1] = table_pte(l1);
	CHECK_OK(make_readonly(l2));
	l3[0] = l3[1] = table_pte(l2);
	CHECK_OK(make_readonly(l3));
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), table_pte(l3)));
	CHECK_EQ(TREE_VA[0], 0x2b2b);
	CHECK_EQ(TREE_VA[(1ul << 21) / 8], 0x2b2b);
	CHECK_EQ(TREE_VA[(1ul << 30) / 8], 0x2b2b);
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
	CHECK_OK(make_writable(l1));
	CHECK_OK(make_writable(l2));
}

CLAIM(new_baseptr, "NEW_BASEPTR switches to a copy of the L4 and back; a frame that is no L4 is "
      "refused and nothing changes")
{
	uint64_t *copy = page_alloc(), cr3 = 0;
	unsigned long old = l4_mfn();

	memcpy(copy, (void *)start->pt_base, PAGE_BYTES);
	CHECK_OK(make_readonly(copy));
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(copy), 0));
	CHECK_NO_TRAP("mov %%cr3, %0", : "+r"(cr3) : : "memory");
	CHECK_EQ(cr3, mfn_of(copy) * PAGE_BYTES);
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(copy), 0));	/* the same again */
	CHECK_ERR(make_writable(copy), XEN_EBUSY);
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, old, 0));
	CHECK_OK(make_writable(copy));
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(page_alloc()), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_BASEPTR, NOBODYS_MFN, 0) < 0);
	CHECK_NO_TRAP("mov %%cr3, %0", : "+r"(cr3) : : "memory");
	CHECK_EQ(cr3, old * PAGE_BYTES);
}

CLAIM(new_baseptr_garbage_slots, "whatever an L4 page holds in slots 256 to 271 when it becomes an "
      "L4 never shows")
{
	uint64_t *copy = page_alloc(), v;
	unsigned long old = l4_mfn();
	struct tree t = tree_build(mfn_of(page_alloc()), PTE_RW_PAGE);

	memcpy(copy, (void *)start->pt_base, PAGE_BYTES);
	for (unsigned int i = 256; i < 272; i++)
		copy[i] = make_pte(i & 1 ? mfn_of(t.l3) : NOBODYS_MFN, PTE_TABLE);
	CHECK_OK(make_readonly(copy));
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(copy), 0));
	CHECK_EQ(pfn_of_mfn(mfn_of(copy)), pfn_of(copy));
	CHECK(!try_read((void *)0xffff848000000000ul, &v));
	CHECK(!try_read((void *)0xffff838000000000ul, &v));
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, old, 0));
	CHECK_OK(make_writable(copy));
}

CLAIM(new_user_baseptr, "NEW_USER_BASEPTR takes 0, the same L4 again, and refuses what is no L4")
{
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(page_alloc()), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, NOBODYS_MFN, 0) < 0);
	USER_RUN(syscall, 0);		/* sets it, twice over several runs */
	CHECK_EQ(trap_last.vector, TRAP_SYSCALL);
}

CLAIM(linear_l4, "an L4 entry that points to its own L4 is refused writable; Xen allows it "
      "read-only, Isola not")
{
	unsigned long l4 = l4_mfn();
	long rc;

	CHECK(write_entry(l4_slot(TREE_SLOT), make_pte(l4, PTE_TABLE)) < 0);
	rc = write_entry(l4_slot(TREE_SLOT), make_pte(l4, PTE_P | PTE_US | PTE_A));
	CHECK(rc == 0 || rc == -XEN_EINVAL);
	if (!rc)
		CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
}

CLAIM(flushes, "every flush operation a kernel uses is 0")
{
	static uint64_t mask = 1;

	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0));
	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, ARG(&mask)));
	CHECK_OK(mmuext(MMUEXT_INVLPG_MULTI, ARG(window(0)), ARG(&mask)));
	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_ALL, ARG(window(0)), 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(HYPERVISOR_POINTER), 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(NONCANONICAL_POINTER), 0));
}

CLAIM(flush_bad_mask, "a flush whose vCPU mask cannot be read is an error, not a crash")
{
	CHECK_ERR(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, ARG(UNMAPPED_POINTER)), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_INVLPG_MULTI, 0, ARG(HYPERVISOR_POINTER)), XEN_EINVAL);
}

CLAIM(flush_works, "after INVLPG_LOCAL a changed entry is what the CPU uses")
{
	uint64_t *a = page_alloc(), *b = page_alloc();
	const volatile uint64_t *e = entry_of(window(0), 1);

	a[0] = 1;
	b[0] = 2;
	for (unsigned int i = 0; i < 20; i++) {
		CHECK_OK(write_entry(e, make_pte(mfn_of(i % 2 ? a : b), PTE_RW_PAGE)));
		CHECK_OK(mmuext(i % 4 < 2 ? MMUEXT_INVLPG_LOCAL : MMUEXT_TLB_FLUSH_LOCAL,
				ARG(window(0)), 0));
		CHECK_EQ(*(volatile uint64_t *)window(0), i % 2 ? 1 : 2);
	}
}

CLAIM(flush_cache, "FLUSH_CACHE of a dom0 is 0")
{
	CHECK_OK(mmuext(MMUEXT_FLUSH_CACHE, 0, 0));
}

CLAIM(clear_copy_page, "CLEAR_PAGE and COPY_PAGE work on our pages and refuse page tables")
{
	uint64_t *a = page_alloc(), *b = page_alloc();

	a[0] = a[511] = 0x99;
	CHECK_OK(mmuext(MMUEXT_COPY_PAGE, mfn_of(b), mfn_of(a)));
	CHECK_EQ(b[511], 0x99);
	CHECK_OK(mmuext(MMUEXT_CLEAR_PAGE, mfn_of(a), 0));
	CHECK_EQ(((volatile uint64_t *)a)[0] | ((volatile uint64_t *)a)[511], 0);
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, l4_mfn(), 0) < 0);
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, NOBODYS_MFN, 0) < 0);
}

CLAIM(mmuext_unknown, "unknown mmuext commands are -ENOSYS, superpage marks -EOPNOTSUPP, and the "
      "count of done ones is kept")
{
	struct mmuext_op ops[3] = {
		{ .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = 99 },
	};
	unsigned int done = 55;

	CHECK_ERR(HC4(mmuext_op, ops, 3, &done, DOMID_SELF), XEN_ENOSYS);
	CHECK_EQ(done, 2);
	CHECK_ERR(mmuext(MMUEXT_MARK_SUPER, 0, 0), XEN_EOPNOTSUPP);
	CHECK_ERR(mmuext(14, 0, 0), XEN_ENOSYS);
	CHECK_ERR(HC4(mmuext_op, ops, 1, 0, 1234), XEN_ESRCH);
}

/* The L1 entry of window(0), through the read-only mapping of its table: stores are emulated. */
static volatile uint64_t *direct_entry(void)
{
	volatile uint64_t *e = (volatile uint64_t *)entry_of(window(0), 1);

	CHECK_EQ(l1e(e) & PTE_RW, 0);
	return e;
}

CLAIM(direct_mov, "a plain store to an L1 entry in a read-only table is carried out as an update")
{
	volatile uint64_t *e = direct_entry();
	uint64_t *page = page_alloc(), v;

	page[0] = 0x3c3c;
	CHECK_NO_TRAP("movq %1, %0", : "=m"(*e) : "r"(rw_pte(page)) : "memory");
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK_EQ(*(volatile uint64_t *)window(0), 0x3c3c);
	CHECK_NO_TRAP("movq $0, %0", : "=m"(*e) : : "memory");
	CHECK_EQ(*e, 0);
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(!try_read(window(0), &v));
}

CLAIM(direct_xchg, "xchg with an L1 entry returns the old entry and stores the new one")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e, v = 0;

	CHECK_NO_TRAP("xchgq %0, (%1)", : "+r"(v) : "r"(e) : "memory");
	CHECK_EQ(v & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	CHECK_EQ(*e, 0);
	CHECK_NO_TRAP("xchgq %0, (%1)", : "+r"(v) : "r"(e) : "memory");
	CHECK_EQ(v, 0);
	CHECK_EQ(*e & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
}

CLAIM(direct_cmpxchg, "lock cmpxchg on an L1 entry succeeds when the value matches and reports it "
      "when not")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e, rax = old, fresh = (old & ~PTE_RW) | 0x200;
	uint8_t equal = 0;

	CHECK_NO_TRAP("lock cmpxchgq %3, (%2); sete %1", : "+a"(rax), "+q"(equal)
		      : "r"(e), "r"(fresh) : "memory", "cc");
	CHECK_EQ(equal, 1);
	CHECK_EQ(*e, fresh);
	rax = 0x1234;
	CHECK_NO_TRAP("lock cmpxchgq %3, (%2); sete %1", : "+a"(rax), "+q"(equal)
		      : "r"(e), "r"(old) : "memory", "cc");
	CHECK_EQ(equal, 0);
	CHECK_EQ(rax, fresh);
	CHECK_EQ(*e, fresh);
}

CLAIM(direct_lock_and_byte, "lock and on one byte of an L1 entry changes that byte only: write "
      "protection as fork does it")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e;

	CHECK_EQ(old & PTE_RW, PTE_RW);
	CHECK_NO_TRAP("lock andb $0xfd, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e, old & ~PTE_RW);
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(!try_write(window(0), 1));
	CHECK_EQ(trap_last.error, 3);
	CHECK_NO_TRAP("lock orb $2, (%0)", : : "r"(e) : "memory", "cc");
	mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0);
	CHECK(try_write(window(0), 1));
}

CLAIM(direct_bit_ops, "lock btr, bts, or and and of a quadword on an L1 entry work, flags included")
{
	volatile uint64_t *e = direct_entry();
	uint8_t carry = 0;

	CHECK_NO_TRAP("lock btsq $9, (%1); setc %0", : "+q"(carry) : "r"(e) : "memory", "cc");
	CHECK_EQ(carry, 0);
	CHECK_EQ(*e & 0x200, 0x200);
	CHECK_NO_TRAP("lock btrq $9, (%1); setc %0", : "+q"(carry) : "r"(e) : "memory", "cc");
	CHECK_EQ(carry, 1);
	CHECK_EQ(*e & 0x200, 0);
	CHECK_NO_TRAP("lock orq $0x400, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e & 0x400, 0x400);
	CHECK_NO_TRAP("lock andq $-1025, (%0)", : : "r"(e) : "memory", "cc");
	CHECK_EQ(*e & 0x400, 0);
}

CLAIM(direct_bad, "a direct store of an entry that mmu_update would refuse is a page fault at the "
      "instruction, and changes nothing")
{
	volatile uint64_t *e = direct_entry();
	uint64_t old = *e;
	const uint64_t bad[] = {
		make_pte(NOBODYS_MFN, PTE_RW_PAGE), make_pte(l4_mfn(), PTE_RW_PAGE),
		old | 1ul << 51,
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(bad[i]), "r"(e) : "memory");
		CHECK_EQ(trap_last.error, 3);
		CHECK_EQ(trap_last.cr2, (uint64_t)e);
		CHECK_EQ(*e & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	}
}

CLAIM(direct_misaligned, "a store across two L1 entries is refused with a fault")
{
	volatile uint8_t *e = (volatile uint8_t *)direct_entry();
	uint64_t before = *(volatile uint64_t *)e;

	CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(0ul), "r"(e + 4) : "memory");
	CHECK_EQ(*(volatile uint64_t *)e & ~(PTE_A | PTE_D), before & ~(PTE_A | PTE_D));
}

CLAIM(direct_upper, "direct stores to L2, L3 and L4 entries are page faults, even of the value "
      "that is there")
{
	for (unsigned int level = 2; level <= 4; level++) {
		volatile uint64_t *e = (volatile uint64_t *)entry_of(window(0), level);

		CHECK_TRAP(TRAP_PF, "movq %0, (%1)", : : "r"(*e), "r"(e) : "memory");
		CHECK_EQ(trap_last.error, 3);
	}
}

CLAIM(writable_alias, "a table page cannot be reached writable through any second mapping made "
      "before it became a table")
{
	uint64_t *table = page_alloc();

	CHECK_OK(remap(window(0), rw_pte(table)));
	CHECK_OK(make_readonly(table));
	CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0), XEN_EINVAL);
	CHECK_OK(remap(window(0), rw_pte(window(0))));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
	CHECK_ERR(remap(window(0), rw_pte(table)), XEN_EBUSY);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
}

CLAIM(stale_tlb_after_pin, "a page just written through its mapping cannot be written any more "
      "once it is a table: no stale TLB entry helps")
{
	volatile uint64_t *table = page_alloc();

	table[0] = 0;			/* a writable TLB entry exists now */
	CHECK_OK(HC3(update_va_mapping, table, make_pte(mfn_of(table), PTE_RO_PAGE), UVMF_NONE));
	CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0));
	/* A store that bypassed the hypervisor would put a forbidden entry into a live table. */
	CHECK_TRAP(TRAP_PF, "movq %0, (%1)",
		   : : "r"(make_pte(NOBODYS_MFN, PTE_RW_PAGE)), "r"(table) : "memory");
	CHECK_EQ(table[0], 0);
	CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0));
}

CLAIM(mmio, "a dom0 may map the VGA and BIOS ranges below 1 MiB, which are not its RAM, but not "
      "the local APIC, nor the IO-APIC writable")
{
	uint64_t v;

	CHECK_OK(remap(window(0), make_pte(0xf0, PTE_RO_PAGE)));
	CHECK(try_read(window(0), &v));
	CHECK_OK(remap(window(0), make_pte(0xb8, PTE_RW_PAGE | PTE_PCD)));
	CHECK(remap(window(0), make_pte(0xfee00, PTE_RW_PAGE | PTE_PCD)) < 0);
	/* Xen turns a writable mapping of the IO-APIC into a read-only one; refusing is as good. */
	if (!remap(window(0), make_pte(0xfec00, PTE_RW_PAGE | PTE_PCD)))
		CHECK_EQ(l1e(window(0)) & PTE_RW, 0);
}

CLAIM(otherdomain, "update_va_mapping_otherdomain of a domain that does not exist is -ESRCH")
{
	CHECK_ERR(HC4(update_va_mapping_otherdomain, window(0), rw_pte(window(0)), 0, 1234),
		  XEN_ESRCH);
}
