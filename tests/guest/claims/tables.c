/* SPDX-License-Identifier: MIT */
/*
 * Tables: a page becomes a page table, is used as one, and becomes an ordinary page again.
 *
 * The rule: every entry of a table in use has been checked, and no writable mapping of it exists.
 * The guest builds trees, hooks them into its L4, pins and unpins each level, switches roots; then
 * does the same with one entry wrong, with a mapping too many, with slots that are the
 * hypervisor's. A table that is refused must be an ordinary page still.
 */
#define TOPIC "tables"
#include "../claim.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"
#include "../user.h"

/* L4 slot for trees; the address it maps at. */
#define TREE_SLOT 5u
#define TREE_VA slot_va(TREE_SLOT)

CLAIM(hook_l3, "a tree of new tables hooked into an L4 slot maps its page; unhooked it is gone, "
      "and its pages can be written again")
{
	uint64_t *page = page_alloc(), v;
	struct tree t = tree_build(rw_pte(page));

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
	struct tree t = tree_build(rw_pte(page));
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
	struct tree t = tree_build(rw_pte(page_alloc()));

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
	struct tree t = tree_build(rw_pte(page_alloc()));

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
	struct tree t = tree_build(rw_pte(page_alloc()));
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
	struct tree t = tree_build(rw_pte(page_alloc()));
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
	struct tree t = tree_build(rw_pte(page_alloc()));

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

static bool load_es(uint16_t selector)
{
	bool ok = !TRY("mov %0, %%es", : : "r"(selector) : "memory");

	asm volatile("mov %0, %%es" : : "r"(0));
	return ok;
}

CLAIM(new_baseptr_ldt,
      "after NEW_BASEPTR a selector of the LDT is looked up in the page that the new tables show")
{
	uint64_t *copy = page_alloc(), *ldt = page_alloc(), *empty = page_alloc();
	struct tree t = tree_build(make_pte(mfn_of(ldt), PTE_RO_PAGE)),
		other = tree_build(make_pte(mfn_of(empty), PTE_RO_PAGE));
	uint16_t first = 4 | 3;

	ldt[0] = 0x00cff3000000fffful;		/* flat data for ring 3 */
	CHECK_OK(make_readonly(ldt));
	CHECK_OK(make_readonly(empty));
	memcpy(copy, (void *)start->pt_base, PAGE_BYTES);
	copy[TREE_SLOT] = table_pte(other.l3);
	CHECK_OK(make_readonly(copy));
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), table_pte(t.l3)));
	CHECK_OK(mmuext(MMUEXT_SET_LDT, ARG(TREE_VA), 512));
	CHECK(load_es(first));
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(copy), 0));
	CHECK(!load_es(first));
	CHECK_OK(mmuext(MMUEXT_NEW_BASEPTR, l4_mfn(), 0));
	CHECK(load_es(first));
	CHECK_OK(mmuext(MMUEXT_SET_LDT, 0, 0));
	CHECK_OK(write_entry(l4_slot(TREE_SLOT), 0));
	CHECK_OK(make_writable(copy));
	CHECK_OK(make_writable(ldt));
	CHECK_OK(make_writable(empty));
}

CLAIM(new_user_baseptr, "NEW_USER_BASEPTR takes 0, the same L4 again, and refuses what is no L4; "
			"nothing else need hold the L4")
{
	uint64_t *l4 = table_alloc();

	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(l4), 0));
	CHECK_ERR(make_writable(l4), XEN_EBUSY);
	CHECK_OK(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
	CHECK_OK(make_writable(l4));
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(page_alloc()), 0) < 0);
	CHECK(mmuext(MMUEXT_NEW_USER_BASEPTR, NOBODYS_MFN, 0) < 0);
	CHECK_ERR(mmuext(MMUEXT_NEW_USER_BASEPTR, ~0ul, 0), XEN_EINVAL);
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
