/* SPDX-License-Identifier: MIT */
/*
 * advisories: attacks that have worked on a PV hypervisor, one claim each; those that need a second
 * vCPU are in races_*.c.
 *
 * The rule is the one that each advisory broke; its number stands at the claim. The guest makes the
 * request that was granted wrongly, in every form it can think of, and looks whether it has got
 * what it must not have.
 */
#define TOPIC "advisories"
#include "../claim.h"
#include "../lending.h"
#include "../memory.h"
#include "../text.h"
#include "../traps.h"

#define SLOT 9u
#define SLOT_VA slot_va(SLOT)

/* Hooked into our L4 at SLOT: tables that lead to @page of ours. */
static struct tree tree_hooked(const void *page)
{
	struct tree t = tree_build(rw_pte(page));

	CHECK_OK(write_entry(l4_slot(SLOT), table_pte(t.l3)));
	return t;
}

static void tree_gone(struct tree *t)
{
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
	CHECK_OK(make_writable(t->l3));
	CHECK_OK(make_writable(t->l2));
	CHECK_OK(make_writable(t->l1));
}

/* ---- The fast path: an entry changed in its flags only (PTE-1) ---- */

static const unsigned int update_kinds[] = { MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD };

/*
 * Change the entry at @slot, in a table of @level, by each single bit; none but harmless ones may
 * get in.
 */
static void flip_each_bit(const volatile uint64_t *slot, unsigned int level)
{
	uint64_t old = *slot, harmless = PTE_A | PTE_D | PTE_AVAIL | PTE_US | PTE_RW | PTE_P |
					 PTE_NX | 0x7fful << 52;

	if (level == 1)
		harmless |= PTE_G | PTE_PWT | PTE_PCD | PTE_PS;		/* the last is PAT here */
	for (unsigned int bit = 0; bit < 64; bit++) {
		for (unsigned int k = 0; k < 2; k++) {
			uint64_t entry = old ^ 1ul << bit;
			long rc = mmu_update(maddr_of(slot) | update_kinds[k], entry);

			/* Xen shows its own marks, G and bit 52, in what it stores. */
			if (!rc)
				CHECK_SAY((1ul << bit & (harmless | PTE_FRAME)) != 0,
					  "level %u: bit %u was taken", level, bit);
			/* In an L1 it may be a device's, which the control domain may map. */
			if (!rc && (1ul << bit & PTE_FRAME) && level > 1)
				CHECK_SAY(pfn_of_mfn(pte_mfn(entry)) < start->nr_pages,
					  "level %u: frame bit %u was taken", level, bit);
			CHECK_OK(write_entry(slot, old));
		}
	}
}

/* XSA-148, 182: the comparison of old and new entry left out PS, or RW. */
CLAIM(flips_l2, "an L2 entry of a table in use changes by each single bit, or stays: PS, PWT, PCD, "
		"G and foreign frames never get in")
{
	struct tree t = tree_hooked(page_alloc());

	flip_each_bit(t.l2, 2);
	tree_gone(&t);
}

CLAIM(flips_l3, "an L3 entry of a table in use changes by each single bit, or stays: PS, PWT, PCD, "
		"G and foreign frames never get in")
{
	struct tree t = tree_hooked(page_alloc());

	flip_each_bit(t.l3, 3);
	tree_gone(&t);
}

CLAIM(flips_l4, "an L4 entry of the table in use changes by each single bit, or stays: PS, PWT, "
		"PCD, G and foreign frames never get in")
{
	struct tree t = tree_hooked(page_alloc());

	flip_each_bit(l4_slot(SLOT), 4);
	tree_gone(&t);
}

CLAIM(flips_l1, "an L1 entry of a table in use changes by each single bit, or stays as it was")
{
	struct tree t = tree_hooked(page_alloc());

	flip_each_bit(t.l1, 1);
	tree_gone(&t);
}

/* XSA-148: a superpage of the guest's, then made writable and moved. */
CLAIM(superpages, "an L2, L3 or L4 table with a superpage in it is not taken, at whatever address, "
		  "present and small or not")
{
	static const unsigned int pins[] = { MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
					     MMUEXT_PIN_L4_TABLE };

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t *table = page_alloc();

		table[17] = make_pte(0, PTE_P | PTE_US | PTE_PS);
		CHECK_OK(make_readonly(table));
		CHECK_ERR(mmuext(pins[i], mfn_of(table), 0), XEN_EINVAL);
		/* a plain store */
		CHECK_OK(write_entry(table + 17,
				     make_pte(mfn_of(table) & ~511ul, PTE_RW_PAGE | PTE_PS)));
		CHECK_ERR(mmuext(pins[i], mfn_of(table), 0), XEN_EINVAL);
		CHECK_OK(make_writable(table));
	}
}

/*
 * Try to hook @table into a table of its own kind at @slot, read-only, then turn the entry writable
 * in every way there is.
 */
static void self_map(const volatile uint64_t *slot, unsigned long mfn)
{
	uint64_t ro = make_pte(mfn, PTE_P | PTE_US | PTE_A);

	CHECK(write_entry(slot, ro | PTE_RW) < 0);
	CHECK(mmu_update(maddr_of(slot) | MMU_PT_UPDATE_PRESERVE_AD, ro | PTE_RW) < 0);
	if (write_entry(slot, ro) == 0) {		/* Xen may; Isola does not */
		CHECK(write_entry(slot, ro | PTE_RW) < 0);
		CHECK(write_entry(slot, ro | PTE_RW | PTE_D) < 0);
		CHECK(mmu_update(maddr_of(slot) | MMU_PT_UPDATE_PRESERVE_AD, ro | PTE_RW) < 0);
		CHECK_EQ(*slot & PTE_RW, 0);
		CHECK_OK(write_entry(slot, 0));
	}
	CHECK_EQ(*slot & PTE_P, 0);
}

/* XSA-182: a read-only table in itself became writable by the fast path. */
CLAIM(self_l4, "the L4 in use never maps itself writable, in one step or two")
{
	self_map(l4_slot(SLOT), l4_mfn());
}

CLAIM(self_l3, "an L3 in use never maps itself writable, in one step or two")
{
	struct tree t = tree_hooked(page_alloc());

	self_map(t.l3 + 5, mfn_of(t.l3));
	tree_gone(&t);
}

CLAIM(self_l2, "an L2 in use never maps itself writable, in one step or two")
{
	struct tree t = tree_hooked(page_alloc());

	self_map(t.l2 + 5, mfn_of(t.l2));
	tree_gone(&t);
}

/* XSA-240: chains of tables of one level, whose teardown went as deep as they were long. */
static void chain(unsigned int pin)
{
	uint64_t *table[32];
	unsigned int deepest = 0;

	for (unsigned int i = 0; i < 32; i++) {
		table[i] = table_alloc();
		CHECK_OK(mmuext(pin, mfn_of(table[i]), 0));
	}
	for (unsigned int i = 0; i + 1 < 32; i++)
		if (write_entry(table[i], make_pte(mfn_of(table[i + 1]), PTE_P | PTE_US | PTE_A)) ==
			    0 &&
		    i && (table[i - 1][0] & PTE_P))
			deepest++;
	CHECK_EQ(deepest, 0);		/* at most pairs */
	for (unsigned int i = 0; i < 32; i++)
		CHECK_OK(write_entry(table[i], 0));
	for (unsigned int i = 0; i < 32; i++) {
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table[i]), 0));
		CHECK_OK(make_writable(table[i]));
	}
}

CLAIM(chain_l2, "L2 tables that lead to L2 tables form no chain") { chain(MMUEXT_PIN_L2_TABLE); }
CLAIM(chain_l3, "L3 tables that lead to L3 tables form no chain") { chain(MMUEXT_PIN_L3_TABLE); }
CLAIM(chain_l4, "L4 tables that lead to L4 tables form no chain") { chain(MMUEXT_PIN_L4_TABLE); }

CLAIM(circle, "two pages that lead to each other do not become L3 tables")
{
	uint64_t *a = page_alloc(), *b = page_alloc();

	a[0] = make_pte(mfn_of(b), PTE_P | PTE_US | PTE_A);
	b[0] = make_pte(mfn_of(a), PTE_P | PTE_US | PTE_A);
	CHECK_OK(make_readonly(a));
	CHECK_OK(make_readonly(b));
	CHECK_ERR(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(a), 0), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(b), 0), XEN_EINVAL);
	CHECK_OK(make_writable(a));
	CHECK_OK(make_writable(b));
}

/* XSA-402: RAM that the processor does not keep coherent. */
CLAIM(cache_attributes, "a page mapped with any cache attribute cannot be a page table while it is "
			"mapped so writable; each attribute is refused, or kept as asked")
{
	uint64_t *page = page_alloc();

	for (unsigned int i = 0; i < 8; i++) {
		uint64_t pte = rw_pte(page) | (i & 1 ? PTE_PWT : 0) | (i & 2 ? PTE_PCD : 0) |
			       (i & 4 ? PTE_PS : 0);

		if (remap(window(0), pte) == 0)
			CHECK_EQ(l1e(window(0)) & (PTE_PWT | PTE_PCD | PTE_PS),
				 pte & (PTE_PWT | PTE_PCD | PTE_PS));
		CHECK_OK(make_readonly(page));
		if (l1e(window(0)) & PTE_P && pte_mfn(l1e(window(0))) == mfn_of(page))
			CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0), XEN_EINVAL);
		CHECK_OK(remap(window(0), rw_pte(window(0))));
	}
}

/* ---- Pointers that point elsewhere after arithmetic (MEM-1) ---- */

static struct xen_memory_exchange exchange_of(void *in, void *out, unsigned long nr)
{
	struct xen_memory_exchange x = {
		.in = { .nr_extents = nr, .domid = DOMID_SELF },
		.out = { .nr_extents = nr, .domid = DOMID_SELF },
	};

	x.in.extent_start.p = in;
	x.out.extent_start.p = out;
	return x;
}

/* XSA-29, 212: the array's beginning was checked, not the element that is written. */
CLAIM(exchange_reaches, "exchange whose list, by the progress it says it has made, reaches into "
			"the hypervisor's range writes nothing there and is refused")
{
	unsigned long in[1] = { mfn_of(page_alloc()) };
	uint64_t hole = HYPERVISOR_VIRT_START;
	const uint64_t outs[] = { ARG(HYPERVISOR_POINTER), HYPERVISOR_VIRT_START,
				  HYPERVISOR_VIRT_END - 8, hole - 8 };

	for (unsigned int i = 0; i < 4; i++) {
		struct xen_memory_exchange x = exchange_of(in, (void *)outs[i], 1);

		CHECK(HC2(memory_op, XENMEM_exchange, &x) < 0);
		x = exchange_of((void *)outs[i], in, 1);
		CHECK(HC2(memory_op, XENMEM_exchange, &x) < 0);
		/* nr_exchanged moves both lists: from here to there. */
		x = exchange_of(in, (void *)(outs[i] - 8 * 4096), 4097);
		x.nr_exchanged = 4096;
		CHECK(HC2(memory_op, XENMEM_exchange, &x) < 0);
		x = exchange_of(in, in, 1ul << 60);
		x.nr_exchanged = (outs[i] - ARG(in)) / 8;
		CHECK(HC2(memory_op, XENMEM_exchange, &x) < 0);
	}
	CHECK_EQ(pfn_of_mfn(in[0]) < start->nr_pages, 1);
}

/* The command's upper bits say from which extent to go on (CON-2). */
CLAIM(extent_reaches, "a reservation call that claims to have come further than its list is "
		      "refused and touches nothing, also where that would be the hypervisor's")
{
	unsigned long list[2] = { mfn_of(page_alloc()), 0 };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	static const unsigned int ops[] = { XENMEM_decrease_reservation,
					    XENMEM_increase_reservation, XENMEM_populate_physmap };

	for (unsigned int i = 0; i < 3; i++) {
		r.extent_start.p = list;
		/* Said to be at extent 2 of 1. */
		CHECK(HC2(memory_op, ops[i] | 2ul << 6, &r) <= 2);
		r.extent_start.p = (void *)(HYPERVISOR_VIRT_START - 8 * 4096);
		r.nr_extents = 4097;
		CHECK(HC2(memory_op, ops[i] | 4096ul << 6, &r) <= 4096);
		r.nr_extents = 1;
	}
	CHECK_EQ(pfn_of_mfn(list[0]) < start->nr_pages, 1);
	CHECK_EQ(list[1], 0);
}

/* XSA-231: a node number used as an index. */
CLAIM(nodes, "memory asked for on nodes that no machine has is given from elsewhere or refused")
{
	for (unsigned int node = 0; node < 256; node += 15) {
		uint64_t *page = page_alloc();
		unsigned long list = mfn_of(page);
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

		r.extent_start.p = &list;
		CHECK_OK(remap(page, 0));
		CHECK_EQ(HC2(memory_op, XENMEM_decrease_reservation, &r), 1);
		list = pfn_of(page);
		r.mem_flags = XENMEMF_node(node);
		if (HC2(memory_op, XENMEM_populate_physmap, &r) != 1) {
			r.mem_flags = 0;
			list = pfn_of(page);
			CHECK_EQ(HC2(memory_op, XENMEM_populate_physmap, &r), 1);
		}
		((unsigned long *)start->mfn_list)[pfn_of(page)] = list;
		CHECK_OK(make_writable(page));
	}
}

/* XSA-279: a flush for an address that had failed its check. */
CLAIM(noncanonical_flush,
      "update_va_mapping and flushes of addresses that no processor has are refused or do nothing")
{
	static const uint64_t where[] = { 0x0000800000000000ul, 0xffff7ffffffff000ul,
					  0x8000000000000000ul, 0x0123456789abc000ul };
	static const unsigned int ops[] = { MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL };

	for (unsigned int i = 0; i < 4; i++) {
		CHECK(HC3(update_va_mapping, where[i], 0, UVMF_INVLPG | UVMF_ALL) < 0);
		CHECK(HC3(update_va_mapping, where[i], rw_pte(window(0)), UVMF_INVLPG) < 0);
		for (unsigned int k = 0; k < 2; k++)
			CHECK_OK(mmuext(ops[k], where[i], 0));
	}
}

/* ---- Leaving the kernel in the middle of a list (MUL-1) ---- */

static struct { uint64_t rax, rcx, r11; } behind_iret;

/* XSA-213: the list went on, with the guest's user current. */
CLAIM(iret_in_multicall,
      "iret in a multicall ends the list: what stands behind it is not carried out, and the "
      "registers are those of its frame")
{
	uint64_t *page = page_alloc();
	struct multicall_entry calls[2] = {
		{ .op = __HYPERVISOR_iret },
		{ .op = __HYPERVISOR_update_va_mapping,
		  .args = { ARG(window(0)), rw_pte(page), UVMF_INVLPG } },
	};
	uint64_t old = l1e(window(0));

	/* The frame of the iret: rax r11 rcx flags rip cs rflags rsp ss, on the current stack. */
	asm volatile("mov %%rsp, %%rbx\n\t"
		     "pushq $0xe02b\n\t" /* ss */
		     "push %%rbx\n\t" /* rsp */
		     "pushq $0x202\n\t" /* rflags */
		     "pushq $0xe030\n\t" /* cs: kernel */
		     "lea 1f(%%rip), %%rcx\n\t"
		     "push %%rcx\n\t"
		     "pushq $0\n\t" /* flags */
		     "pushq $0x56\n\t" /* rcx */
		     "pushq $0x78\n\t" /* r11 */
		     "pushq $0x1234\n\t" /* rax */
		     "syscall\n"
		     "1:\tmov %%rax, %0; mov %%rcx, %1; mov %%r11, %2"
		     : "=m"(behind_iret.rax), "=m"(behind_iret.rcx), "=m"(behind_iret.r11)
		     : "a"((unsigned long)__HYPERVISOR_multicall), "D"(calls), "S"(2ul)
		     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	CHECK_EQ(l1e(window(0)) & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	CHECK_EQ(behind_iret.rax, 0x1234);
	CHECK_EQ(behind_iret.rcx, 0x56);
	CHECK_EQ(behind_iret.r11, 0x78);
}

/* ---- Grants ---- */

/* XSA-227: an entry address that is not that of an entry. */
CLAIM(grant_entry_misaligned, "a grant is mapped at the machine address of an L1 entry, of no byte "
			      "within one, nor where there is none")
{
	volatile uint64_t *w = window(0);
	uint64_t table = pte_mfn(*entry_of(w, 2)) * PAGE_BYTES,
		 entry = table + ((ARG(w) >> 12) % 512) * 8, old = l1e(w);
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page_alloc()), GTF_permit_access);
	for (unsigned int byte = 1; byte < 8; byte++)
		CHECK(grant_map(FIRST_REF, entry + byte, GNTMAP_host_map | GNTMAP_contains_pte)
			      .status < 0);
	CHECK(grant_map(FIRST_REF, table + PAGE_BYTES - 4, GNTMAP_host_map | GNTMAP_contains_pte)
		      .status < 0);
	CHECK(grant_map(FIRST_REF, maddr_of(l4_slot(SLOT)), GNTMAP_host_map | GNTMAP_contains_pte)
		      .status < 0);
	CHECK(grant_map(FIRST_REF, maddr_of(entry_of(w, 2)), GNTMAP_host_map | GNTMAP_contains_pte)
		      .status < 0);
	CHECK(grant_map(FIRST_REF, NOBODYS_MFN * PAGE_BYTES, GNTMAP_host_map | GNTMAP_contains_pte)
		      .status < 0);
	CHECK_EQ(l1e(w) & ~(PTE_A | PTE_D), old & ~(PTE_A | PTE_D));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
	m = grant_map(FIRST_REF, entry, GNTMAP_host_map | GNTMAP_contains_pte);
	CHECK_OK(m.status);
	for (unsigned int byte = 1; byte < 8; byte++)
		CHECK(grant_unmap(m.handle, entry + byte, 0) < 0);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_OK(grant_unmap(m.handle, entry, 0));
}

/* XSA-234: unmapped as writable what had become read-only, and the reverse. */
CLAIM(grant_other_access, "a mapping whose access the guest has changed since is not unmapped as "
			  "what it was, and stays in use until it is")
{
	volatile uint64_t *w = window(0);
	uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref m;

	grant(FIRST_REF, mfn_of(page), GTF_permit_access);
	m = grant_map(FIRST_REF, ARG(w), GNTMAP_host_map);
	CHECK_OK(m.status);
	CHECK_OK(remap(w, make_pte(mfn_of(page), PTE_RO_PAGE)));
	CHECK(grant_unmap(m.handle, ARG(w), 0) < 0);
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, IN_USE);
	CHECK_OK(remap(w, make_pte(mfn_of(page), PTE_RW_PAGE)));
	CHECK_OK(grant_unmap(m.handle, ARG(w), 0));
	CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
}

/* XSA-224: parts of a mapping were given back that were not held. */
CLAIM(grant_parts, "of a handle of two mappings each part is given back once: the grant is in use "
		   "until both are gone, and free then")
{
	volatile uint64_t *w = window(0);
	uint64_t *page = page_alloc();
	struct gnttab_map_grant_ref m;

	for (unsigned int order = 0; order < 2; order++) {
		grant(FIRST_REF, mfn_of(page), GTF_permit_access);
		m = grant_map(FIRST_REF, ARG(w), GNTMAP_host_map | GNTMAP_device_map);
		CHECK_OK(m.status);
		CHECK_OK(order ? grant_unmap(m.handle, 0, m.dev_bus_addr)
			       : grant_unmap(m.handle, ARG(w), 0));
		CHECK(grant_flags(FIRST_REF) & IN_USE);
		/* again: nothing to give */
		order ? grant_unmap(m.handle, 0, m.dev_bus_addr) : grant_unmap(m.handle, ARG(w), 0);
		CHECK(grant_flags(FIRST_REF) & IN_USE);
		CHECK_OK(make_readonly(page));
		CHECK_ERR(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0), XEN_EINVAL);
		CHECK_OK(order ? grant_unmap(m.handle, ARG(w), 0)
			       : grant_unmap(m.handle, 0, m.dev_bus_addr));
		CHECK_EQ(grant_flags(FIRST_REF) & IN_USE, 0);
		CHECK_OK(mmuext(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0));
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(page), 0));
		CHECK_OK(make_writable(page));
	}
}

/* CVE-2026-102703: what one entry of a list had found was used for the next. */
CLAIM(copy_afresh, "each copy of a list finds its own frames: a good reference before a bad one "
		   "lends it nothing")
{
	uint8_t *a = page_alloc(), *b = page_alloc(), *to = page_alloc();
	struct gnttab_copy list[3] = { 0 };

	a[0] = 0x11;
	b[0] = 0x22;
	grant(FIRST_REF, mfn_of(a), GTF_permit_access | GTF_readonly);
	grant(FIRST_REF + 1, mfn_of(b), 0);			/* no access */
	for (unsigned int i = 0; i < 3; i++) {
		list[i] = (struct gnttab_copy){ .flags = GNTCOPY_source_gref, .len = 1 };
		list[i].source.u.ref = i == 1 ? FIRST_REF + 1 : FIRST_REF;
		list[i].source.domid = own_domid;
		list[i].dest.u.gmfn = mfn_of(to);
		list[i].dest.domid = DOMID_SELF;
		list[i].dest.offset = (uint16_t)i;
	}
	CHECK_OK(HC3(grant_table_op, GNTTABOP_copy, list, 3));
	CHECK_OK(list[0].status);
	CHECK(list[1].status < 0);
	CHECK_OK(list[2].status);
	CHECK_EQ(to[0], 0x11);
	CHECK_EQ(to[1], 0);
	CHECK_EQ(to[2], 0x11);
}

/* XSA-214, 284, 287: pages that changed hands by transfer. */
CLAIM(transfer, "a page of ours given to a domain that does not exist stays ours")
{
	uint64_t *page = page_alloc();
	struct gnttab_transfer t = { .mfn = mfn_of(page), .domid = 77, .ref = FIRST_REF };
	long rc = HC3(grant_table_op, GNTTABOP_transfer, &t, 1);

	CHECK(rc < 0 || t.status < 0);
	*(volatile uint64_t *)page = 1;
	CHECK_OK(remap(window(0), rw_pte(page)));
}

/* ---- Registers and instructions ---- */

/* XSA-333: MSR_IA32_MISC_ENABLE read without a guard. */
CLAIM(misc_enable,
      "reading and writing MISC_ENABLE, which not every processor has, gives a value or #GP")
{
	uint32_t low = 0, high = 0;

	if (TRY("rdmsr", : "=a"(low), "=d"(high) : "c"(0x1a0)))
		CHECK_EQ(trap_last.vector, TRAP_GP);
	if (TRY("wrmsr", : : "a"(low), "d"(high), "c"(0x1a0)))
		CHECK_EQ(trap_last.vector, TRAP_GP);
	CHECK_OK(HC2(sched_op, SCHEDOP_yield, 0));
}

/* XSA-9, 7: SYSRET to an address that no processor has. */
CLAIM(return_above, "a hypercall by the last two bytes below the non-canonical hole comes back as "
		    "a fault in the guest")
{
	uint64_t *page = page_alloc();
	struct tree t = tree_hooked(page);
	static const uint8_t code[] = { 0x0f, 0x05 };

	/* The page at the very end of the lower half. */
	CHECK_OK(write_entry(l4_slot(SLOT), 0));
	CHECK_OK(make_writable(t.l1));
	CHECK_OK(make_writable(t.l2));
	CHECK_OK(make_writable(t.l3));
	t.l1[511] = rw_pte(page);
	t.l2[511] = table_pte(t.l1);
	t.l3[511] = table_pte(t.l2);
	memcpy((uint8_t *)page + PAGE_BYTES - 2, code, sizeof(code));
	CHECK_OK(make_readonly(t.l1));
	CHECK_OK(make_readonly(t.l2));
	CHECK_OK(make_readonly(t.l3));
	CHECK_OK(write_entry(l4_slot(255), table_pte(t.l3)));
	asm volatile("nop" : : : "memory");
	trap_clear();
	CHECK(!try_call((void *)0x00007ffffffffffeul));
	CHECK(trap_last.vector == TRAP_GP || trap_last.vector == TRAP_PF);
	CHECK_OK(write_entry(l4_slot(255), 0));
}
