/* SPDX-License-Identifier: MIT */
/*
 * Entries: mmu_update and update_va_mapping of single page-table entries.
 *
 * The rule: a frame is a page table or writable, never both, and an entry leads only to frames the
 * guest may have. The guest maps and unmaps its own pages in every way a kernel does, then offers
 * frames of others, its own tables writable, and bits that are not allowed; a refused request must
 * leave the old entry in place.
 */
#define TOPIC "paging"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"
#include <xen/grant_table.h>

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

CLAIM_DOM0(hypervisor_frames, "no frame of RAM that is not ours can be mapped, not even read-only")
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

CLAIM_DOM0(mmu_update_refusals, "mmu_update refuses bad commands, misaligned and foreign "
	   "entries, and domains that do not exist")
{
	const volatile uint64_t *e = entry_of(window(0), 1);
	struct mmu_update u = { maddr_of(e) | 5, 0 };

	CHECK_ERR(HC4(mmu_update, &u, 1, 0, DOMID_SELF), XEN_ENOSYS);
	u.ptr = make_pte(NOBODYS_MFN, 0);
	CHECK_ERR(HC4(mmu_update, &u, 1, 0, DOMID_SELF), XEN_EINVAL);
	u.ptr = maddr_of(e);
	CHECK_ERR(HC4(mmu_update, &u, 1, 0, 1234), NO_SUCH_DOMAIN);
	/* One's own number is nobody's here. */
	if (start->flags & SIF_INITDOMAIN)
		CHECK_ERR(HC4(mmu_update, &u, 1, 0, 0), XEN_ESRCH);
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

CLAIM_DOM0(mmio, "a dom0 may map the VGA and BIOS ranges below 1 MiB, which are not its RAM, "
	   "but not the local APIC, nor the IO-APIC writable")
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

CLAIM_DOM0(otherdomain, "update_va_mapping_otherdomain of a domain that does not exist is -ESRCH")
{
	CHECK_ERR(HC4(update_va_mapping_otherdomain, window(0), rw_pte(window(0)), 0, 1234),
		  NO_SUCH_DOMAIN);
}
