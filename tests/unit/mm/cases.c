/* SPDX-License-Identifier: MIT */
/*
 * The page-table files' corners that chance seldom or never comes to: what runs at boot, what needs
 * more than a few frames, tables and queues that are full, and two tables parked at once. The audit
 * follows each.
 */
#include <string.h>
#include <asm/acpi.h>
#include <asm/iomem.h>
#include <asm/asi_policy.h>
#include <asm/domain_map.h>
#include <asm/gdt.h>
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/ldt.h>
#include <asm/m2p.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/memory.h>
#include <xen/xen.h>
#include "cases.h"
#include "guest.h"
#include "tap.h"
#include "world.h"

/* Frames 4 (the L4 in use) -> 10 -> 11 -> 12, whose slot 0 maps frame 20 writable: at address 0. */
static void build_tree(void)
{
	guest_start();
	frame_ptr(10)[0] = names(11);
	frame_ptr(11)[0] = names(12);
	frame_ptr(12)[0] = names(20) | PTE_RW;
	check(update(entry_at(4, 0), names(10)) == 0, "a tree is hooked in");
}

/* ---- Device memory ---- */

static void denied_ranges(void)
{
	struct acpi_info acpi = { .lapic_maddr = MIB(64) };
	unsigned ioapic = MIB(80) >> PAGE_SHIFT;

	acpi.nr_ioapics = 1;
	acpi.ioapic[0].maddr = MIB(80);
	iomem_init(&acpi, false);
	pt_check_init();
	build_tree();
	check(iomem_access(&world_foreign, _mfn(NO_RECORD)) == IOMEM_NONE,
	      "only dom0 may map a device");
	check(update(entry_at(12, 1), names(0xfee00)) == -EPERM,
	      "an entry for the local APIC is refused");
	check(update(entry_at(12, 1), names(MIB(64) >> PAGE_SHIFT)) == -EPERM,
	      "wherever it is");
	check(update(entry_at(12, 1), names(ioapic) | PTE_RW) == 0,
	      "one for the I/O APIC is not");
	check(frame_ptr(12)[1] == names(ioapic), "but it is for reading");
	check(update(entry_at(12, 1), 0) == 0, "and goes");
	check(update(entry_at(12, 1), names(NO_RECORD) | PTE_PCD) == 0, "one for a device is not");
	check(update(entry_at(12, 1), 0) == 0, "and it goes");
	check(update(entry_at(12, 1), (1ul << 45) | PTE_P) == -EINVAL,
	      "beyond what the machine can address");
	check(m2p_get(_mfn(NO_RECORD)).n == INVALID_M2P.n, "no name for what has no record");
	m2p_set(_mfn(NO_RECORD), _pfn(1));
	m2p_set(_mfn(5), _pfn(77));
	check(m2p_get(_mfn(5)).n == 77, "a name is kept");
	audited("interrupt controllers are denied, wherever they are; devices are dom0's");
}

static void memory_maps(void)
{
	struct { u64 addr, size; u32 type; } __attribute__((packed)) out[16] = { 0 };
	struct xen_memory_map map = { .nr_entries = 16 };
	unsigned nr = 0;

	guest_start();
	map.buffer.p = out;
	check(hc_memory_op(XENMEM_machine_memory_map, (u64)&map) == 0,
	      "dom0 sees the machine");
	for (unsigned i = 0; i < map.nr_entries; i++) {
		check(!i || out[i].addr >= out[i - 1].addr + out[i - 1].size, "entry %u rises", i);
		nr += out[i].type == 2;
	}
	check(map.nr_entries > 6 && nr > 5, "%u entries, %u reserved", map.nr_entries, nr);
	map.nr_entries = 1;
	check(hc_memory_op(XENMEM_machine_memory_map, (u64)&map) == -EINVAL,
	      "it has room for all");
	map.nr_entries = 0;
	check(hc_memory_op(XENMEM_machine_memory_map, (u64)&map) == -EINVAL,
	      "or for one");
	world_swap();
	check(hc_memory_op(XENMEM_machine_memory_map, (u64)&map) == -EPERM,
	      "another domain does not");
	world_swap();
	audited("the machine's map names the withheld ranges");
}

/* ---- The window ---- */

#define LARGE_FIRST 1024u /* an aligned order 9, beyond the frames that the audit knows */

static void window_for_all(void)
{
	static u64 root[PT_ENTRIES];
	struct asi_policy was = asi_policy;

	guest_start();
	public_fault_rate = 0;
	window_init();
	window_fill_root(root, &world_domain);
	check(root[L4_SLOT_WINDOW_FIRST] && !root[L4_SLOT_WINDOW_FIRST + 1],
	      "a domain's root shows its own tables");
	check(root[L4_SLOT_WINDOW_FIRST] != window_all_ram[0], "and not those that show all");
	window_fill_root(root, NULL);
	check(!root[L4_SLOT_WINDOW_FIRST], "an idle root shows nothing");
	asi_policy.pv.vcpu_pt = false;
	window_fill_root(root, NULL);
	check(root[L4_SLOT_WINDOW_FIRST] == window_all_ram[0] && window_all_ram[0],
	      "with asi off it shows all RAM");
	asi_policy = was;
	world_isolated.vcpu_pt = false;
	window_fill_root(root, &world_domain);
	check(root[L4_SLOT_WINDOW_FIRST] == window_all_ram[0], "and so does a domain's");
	world_isolated.vcpu_pt = true;
	world_window_held = true;
	check(window_prepare(&world_domain) == 0, "the window's tables can be made beforehand");
	audited("a root's window: own frames, none, or all RAM");
	world_window_held = false;
}

static void large_pages(void)
{
	struct domain d = { .domid = 0, .refs = 1, .max_pages = 2000 }, *was = current->domain;
	u32 list = 0;

	guest_start();
	world_extra(LARGE_FIRST, 512);
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d.window_l3[i] = INVALID_MFN;
	public_fault_rate = 256;
	check(domain_assign_pages(&d, _mfn(LARGE_FIRST), 9) == -ENOMEM, "no memory for a table");
	check(domain_prepare_pages(&d, _mfn(LARGE_FIRST), 9) == -ENOMEM, "nor to prepare");
	check(window_prepare(&d) == -ENOMEM, "nor for all tables");
	public_fault_rate = 0;
	check(domain_prepare_pages(&d, _mfn(LARGE_FIRST), 9) == 0, "prepared");
	check(domain_assign_pages(&d, _mfn(LARGE_FIRST), 9) == 0 && d.nr_pages == 512,
	      "512 frames at once");
	check(window_shows(&d, LARGE_FIRST) && window_shows(&d, LARGE_FIRST + 511),
	      "shown by one entry");
	public_fault_rate = 256;
	check(domain_release_page(&d, _mfn(LARGE_FIRST + 7)) == -ENOMEM, "no page to split it");
	check(page_of(_mfn(LARGE_FIRST + 7))->count_info == PGC_unshared,
	      "and the frame is as it was");
	public_fault_rate = 0;
	current->domain = &d;
	check(domain_release_page(&d, _mfn(LARGE_FIRST + 7)) == 0, "a frame goes");
	check(!window_shows(&d, LARGE_FIRST + 7), "out of the window");
	check(window_shows(&d, LARGE_FIRST + 6) && window_shows(&d, LARGE_FIRST + 8),
	      "and no other");
	check(d.nr_pages == 511, "the domain has one less");
	check(domain_withdraw_page(&d, _mfn(LARGE_FIRST + 9), &list) == 0 &&
		      list == LARGE_FIRST + 9,
	      "one is withdrawn");
	check(!page_get(page_of(_mfn(LARGE_FIRST + 9)), &d), "nobody gets it");
	domain_readmit_pages(&d, &list);
	check(page_get(page_of(_mfn(LARGE_FIRST + 9)), &d), "until it is back");
	check(domain_release_page(&d, _mfn(LARGE_FIRST + 9)) == -EBUSY, "held, it stays");
	page_put(page_of(_mfn(LARGE_FIRST + 9)));
	domain_release_flush(&d);
	check(page_of(_mfn(LARGE_FIRST + 7))->count_info == 0, "flushed, it is free");
	check(domain_prepare_pages(&d, _mfn(LARGE_FIRST), 9) == 0, "small ones take its place");
	d.max_pages = d.nr_pages;
	check(domain_assign_pages(&d, _mfn(LARGE_FIRST + 7), 0) == -ENOMEM,
	      "no more than max_pages");
	current->domain = was;
	world_extra(0, 0);
	audited("2 MiB of the window at once, and one frame of it leaves");
}

static void no_tables(void)
{
	struct domain d = { .domid = 0, .refs = 1, .max_pages = 10 };
	mfn_t m;

	guest_start();
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d.window_l3[i] = INVALID_MFN;
	public_fault_rate = 0;
	check(page_owner(page_of(_mfn(FREE_FIRST + 5))) == NULL, "a free frame is nobody's");
	world_page_left = 1;		/* the L3, and no L2 */
	check(domain_prepare_special_page(&d, &m) == -ENOMEM, "a special page without tables");
	world_page_left = 1;
	check(domain_assign_pages(&d, _mfn(FREE_FIRST + 5), 0) == -ENOMEM, "the L2, and no L1");
	check(page_of(_mfn(FREE_FIRST + 5))->count_info == 0, "the frame is still free");
	world_page_left = ~0u;
	check(gnttab_create(&d) == 0, "a grant table");
	check(gnttab_grow(&d, GNTTAB_MAX_FRAMES + 1) == -EINVAL, "no longer than the longest");
	public_fault_rate = 256;
	check(gnttab_grow(&d, 2) == -ENOMEM, "not without memory");
	check(gnttab_create(&d) == -ENOMEM, "nor made at all");
	all_ok("domains without memory for tables");
}

static struct domain *bare_domain(void)
{
	static struct domain d;

	d = (struct domain){ .domid = 0, .refs = 1, .max_pages = 2000 };
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		d.window_l3[i] = INVALID_MFN;
	public_fault_rate = 0;
	return &d;
}

/*
 * Frame LARGE_FIRST comes in as many tries as there are tables: what a try that failed has made is
 * gone.
 */
static void failed_tries(struct domain *d, int (*come)(struct domain *d, mfn_t m, unsigned order))
{
	unsigned before = world_public_used(), tries = 0;

	for (world_page_left = 0; come(d, _mfn(LARGE_FIRST), 0); world_page_left = ++tries) {
		domain_release_flush(d);
		check(world_public_used() == before && !d->nr_window_tables,
		      "a table is left of try %u", tries);
	}
	world_page_left = ~0u;
	check(tries == 3, "%u tables are needed", tries);
}

static void nothing_left(void)
{
	struct domain *was = current->domain, *d = bare_domain();
	unsigned before;
	u32 list = 0;

	guest_start();
	world_extra(LARGE_FIRST, 512);
	current->domain = d;
	before = world_public_used();
	failed_tries(d, domain_assign_pages);
	check(domain_release_page(d, _mfn(LARGE_FIRST)) == 0, "it goes");
	domain_release_flush(d);
	check(world_public_used() == before, "and with the last frame the last table");
	failed_tries(d, domain_prepare_pages);
	domain_unprepare_pages(d, _mfn(LARGE_FIRST), 0);
	domain_release_flush(d);
	check(world_public_used() == before, "what was prepared in vain is gone");
	check(window_prepare(d) == 0, "the window's tables");
	check(domain_assign_pages(d, _mfn(LARGE_FIRST), 9) == 0, "512 frames");
	before = world_public_used();
	check(domain_withdraw_page(d, _mfn(LARGE_FIRST + 9), &list) == 0 &&
		      domain_withdraw_page(d, _mfn(LARGE_FIRST + 3), &list) == 0,
	      "two of them are withdrawn");
	domain_release_flush(d);
	check(world_public_used() == before + 1, "a table for 512 entries");
	domain_readmit_pages(d, &list);
	domain_release_flush(d);
	check(world_public_used() == before && window_shows(d, LARGE_FIRST + 3), "one entry again");
	check(domain_release_page(d, _mfn(LARGE_FIRST + 9)) == 0, "once more");
	domain_release_flush(d);
	check(world_public_used() == before + 1 && d->nr_pages == 511 &&
		      !window_shows(d, LARGE_FIRST + 9),
	      "for good");
	domain_discard_pages(d);
	window_unprepare(d);
	check(!d->page_list && !d->nr_window_tables && page_of(_mfn(LARGE_FIRST))->count_info == 0,
	      "all of it gone");
	current->domain = was;
	world_extra(0, 0);
	audited("of what failed, and of what has gone, no table is left");
}

/* ---- Descriptors ---- */

static void segments(void)
{
	u64 list[16] = { 0 };
	mfn_t many[1] = { _mfn(21) };

	build_tree();
	check(desc_frame_get(_mfn(NO_RECORD)) == -EINVAL, "no descriptors in a device");
	check(gdt_set(many, 0x10000) == -EINVAL, "no GDT beyond its frames");
	list[0] = 21, list[1] = 20;
	check(hc_set_gdt((u64)list, 513) == -EINVAL, "a writable frame is no GDT");
	check(hc_set_gdt((u64)list, 512) == 0, "an idle one is");
	check(ext(MMUEXT_SET_LDT, 1, 5) == -EINVAL && ext(MMUEXT_SET_LDT, 0, 9000) == -EINVAL,
	      "an LDT is aligned and short");
	check(ext(MMUEXT_SET_LDT, VA_HV_FIRST, 5) == -EINVAL, "and the guest's");
	check(update(entry_at(12, 0), names(20)) == 0, "frame 20 is read-only");
	check(ext(MMUEXT_SET_LDT, 0, 600) == 0 && ext(MMUEXT_SET_LDT, 0, 600) == 0,
	      "an LDT of two pages, said twice");
	check(ldt_map_page_fault(100), "its first page is found");
	check(!ldt_map_page_fault(100), "once");
	check(!ldt_map_page_fault(PAGE_SIZE), "the second is not mapped");
	check(!ldt_map_page_fault(600 * 8), "beyond its end there is nothing");
	this_cpu.cr3 = 0;
	check(update(entry_at(12, 1), names(22)) == 0 && ldt_map_page_fault(PAGE_SIZE),
	      "from the user root, too");
	check(world_audit() == 0, "with an LDT");
	check(hc_update_descriptor(entry_at(20, 3), 0x00cf9a000000ffff) == 0,
	      "a live descriptor is replaced");
	check(frame_ptr(20)[3] == 0x00cffa000000ffff, "and made ring 3's");
	check(update(entry_at(12, 0), names(20) | PTE_RW) == -EBUSY,
	      "while it lasts nobody writes to it");
	check(ext(MMUEXT_NEW_BASEPTR, 4, 0) == 0, "a new base pointer");
	check(!mfn_is_valid_num(this_vcpu.ldt_frame[0]), "forgets the pages");
	check(update(entry_at(12, 0), names(20) | PTE_RW) == 0, "then they can be written");
	check(!ldt_map_page_fault(100), "and be no LDT");
	audited("LDT pages come one by one and go together");
}

/* ---- Calls ---- */

static void odd_calls(void)
{
	struct xen_memory_exchange x = { .in = { .nr_extents = 1, .extent_order = 13 },
					 .out = { .nr_extents = 1, .extent_order = 13 } };
	struct page_info *table;
	u64 mask = 1;
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_MULTI };
	u64 mfn = 5;
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF,
					    .extent_start.p = (void *)&mfn };

	build_tree();
	x.in.extent_start.p = x.out.extent_start.p = (void *)&mfn;
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -EPERM, "an order too large");
	x.in.extent_order = x.out.extent_order = 0;
	x.in.domid = x.out.domid = 7;
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -ESRCH,
	      "a domain that is none");
	x.in.domid = x.out.domid = DOMID_SELF;
	x.in.nr_extents = x.out.nr_extents = 1;
	x.out.mem_flags = XENMEMF_address_bits(12);
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -ENOMEM,
	      "no frame is that low");
	x.out.mem_flags = 0;
	mfn = NO_RECORD;
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -EINVAL,
	      "what is no RAM is not exchanged");
	x.in.nr_extents = x.out.nr_extents = ~0ul;
	x.in.extent_order = x.out.extent_order = 1;
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -EINVAL,
	      "nor more than there can be");
	x.in.nr_extents = 1;
	check(hc_memory_op(XENMEM_exchange, (u64)&x) == -EINVAL, "on neither side");
	world_domain.max_pages = world_domain.nr_pages;
	check(hc_memory_op(XENMEM_populate_physmap, (u64)&r) == 0,
	      "nothing beyond max_pages");
	world_domain.max_pages = NR_FRAMES;
	check(ext(MMUEXT_INVLPG_LOCAL, VA_HV_FIRST, 0) == 0 &&
		      ext(MMUEXT_INVLPG_ALL, VA_HV_FIRST, 0) == 0,
	      "no INVLPG of our own");
	check(ext(MMUEXT_NEW_USER_BASEPTR, 4, 0) == 0, "one L4 for both");
	check(ext(MMUEXT_NEW_USER_BASEPTR, INVALID_MFN.n, 0) == -EINVAL,
	      "a base pointer that is no frame");
	check(ext(MMUEXT_INVLPG_MULTI, VA_HV_FIRST, 0) == 0, "INVLPG of what is not the guest's");
	op.arg2.vcpumask.p = &mask;
	world_domain.nr_vcpus = 1;
	check(hc_mmuext_op((u64)&op, 1, 0, DOMID_SELF) == 0, "a flush of oneself");
	mask = 2;
	check(hc_mmuext_op((u64)&op, 1, 0, DOMID_SELF) == 0, "and of nobody");
	world_domain.nr_vcpus = 2;
	check(hc_mmuext_op((u64)&op, 1, 0, DOMID_IO) == -EPERM, "foreign flushes");
	check(ext(MMUEXT_FLUSH_CACHE, 0, 0) == 0 && ext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0) == 0,
	      "dom0 flushes caches");
	world_swap();
	check(ext(MMUEXT_FLUSH_CACHE, 0, 0) == -EACCES &&
		      ext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0) == -EACCES,
	      "others do not");
	world_swap();
	check(!pt_lock_l1e(1ul << L3_SHIFT, &table), "no L1 there");
	frame_ptr(11)[1] = 0;
	page_of(_mfn(12))->type_info |= PGT_count_mask;
	check(page_lock_table(page_of(_mfn(12))) == 0, "no reference beyond the last");
	page_of(_mfn(12))->type_info &= ~PGT_count_mask | 1;
	page_of(_mfn(20))->count_info |= PGC_own_mask;
	check(!page_get(page_of(_mfn(20)), &world_domain), "nor a general one");
	page_of(_mfn(20))->count_info &= ~PGC_own_mask | PGC_one;
	audited("calls at the edge of what is allowed");
}

static void expected_entries(void)
{
	struct page_info *table;
	pte_t *pe, e;

	build_tree();
	pe = pt_lock_l1e(0, &table);
	e = names(21);
	check(pe && pt_modify_expected(&world_domain, pe, &e, names(22)) == -EAGAIN,
	      "not what was expected");
	check(e == (names(20) | PTE_RW), "what is there is told");
	check(pt_modify_expected(&world_domain, pe, &e, names(22)) == 0, "what was expected");
	e = names(22);
	check(pt_modify_expected(&world_domain, pe, &e, names(12) | PTE_RW) == -EBUSY,
	      "a table is not writable");
	e = names(21);
	check(pt_modify_expected(&world_domain, pe, &e, names(NO_RECORD)) == -EAGAIN,
	      "a device, where something else is");
	check(pt_modify_expected(&world_domain, pe, &e, names(NO_RECORD)) == 0,
	      "a device, where it is expected");
	e = names(21);
	check(pt_modify_expected(&world_domain, pe, &e, names(23) | PTE_RW) == -EAGAIN,
	      "a writable frame, where something else is");
	check(pt_modify_expected(&world_domain, pe, &e, names(24)) == 0,
	      "a frame in a device's place");
	pt_unlock_l1e(table);
	check(update(entry_at(11, 0), 0) == 0, "the table goes");
	audited("entries that are changed if they are what they were");
}

/* ---- Grants ---- */

static void many_handles(void)
{
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_device_map, .dom = 0 };
	static struct gnttab_unmap_grant_ref unmap[GNTTAB_MAX_CONTROL_HANDLES];
	unsigned nr = 0;

	build_tree();
	lend(0, 30, 0);
	public_fault_rate = 256;
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_no_device_space, "no memory for handles");
	public_fault_rate = 0;
	for (; nr < GNTTAB_MAX_CONTROL_HANDLES + 1; nr++) {
		hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
		if (map.status)
			break;
		unmap[nr] = (struct gnttab_unmap_grant_ref){ .handle = map.handle,
							     .dev_bus_addr = map.dev_bus_addr };
	}
	check(nr == GNTTAB_MAX_CONTROL_HANDLES && map.status == GNTST_no_device_space,
	      "%u handles", nr);
	check(world_audit() == 0, "with all of them");
	check(hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)unmap, nr) == 0,
	      "all go in one call");
	for (unsigned i = 0; i < nr; i++)
		check(unmap[i].status == GNTST_okay, "handle %u is given back", i);
	check(page_of(_mfn(30))->count_info == PGC_unshared,
	      "the frame is free of them");
	audited("as many handles as there are");
}

static void replace(void)
{
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map,
					    .dom = 1,
					    .host_addr = PAGE_SIZE };
	struct gnttab_unmap_and_replace op = { .host_addr = PAGE_SIZE };

	build_tree();
	world_swap();
	lend(3, FOREIGN_FIRST + 4, 0);
	world_swap();
	map.ref = 3;
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_okay && mfn_x(pte_mfn(frame_ptr(12)[1])) == FOREIGN_FIRST + 4,
	      "a foreign frame at an address");
	check(world_audit() == 0, "while it is there");
	check(update(entry_at(12, 2), frame_ptr(12)[1]) == -EBUSY,
	      "it cannot be mapped by its number");
	op.handle = map.handle;
	op.new_addr = 1ul << L3_SHIFT;
	hc_grant_table_op(GNTTABOP_unmap_and_replace, (u64)&op, 1);
	check(op.status == GNTST_general_error, "nothing to replace it by");
	op.new_addr = 0x0;
	op.host_addr = 3 * PAGE_SIZE;
	hc_grant_table_op(GNTTABOP_unmap_and_replace, (u64)&op, 1);
	check(op.status != GNTST_okay, "not where it is");
	op.host_addr = PAGE_SIZE;
	check(update(entry_at(12, 5), names(25) | PTE_RW) == 0, "a frame of one's own");
	op.new_addr = 5 * PAGE_SIZE;
	hc_grant_table_op(GNTTABOP_unmap_and_replace, (u64)&op, 1);
	check(op.status == GNTST_okay && mfn_x(pte_mfn(frame_ptr(12)[1])) == 25 &&
		      !frame_ptr(12)[5],
	      "takes its place");
	audited("unmap and replace");
}

static void bad_lists(void)
{
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map | GNTMAP_contains_pte,
					    .dom = 0,
					    .host_addr = entry_at(11, 0) };

	build_tree();
	setup.frame_list.p = (void *)8;
	hc_grant_table_op(GNTTABOP_setup_table, (u64)&setup, 1);
	check(setup.status == GNTST_bad_virt_addr, "a list nowhere");
	lend(0, 30, 0);
	hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
	check(map.status == GNTST_general_error, "an entry of an L2");
	audited("grant lists that lead nowhere");
}

int main(void)
{
	world_guarded = true;
	denied_ranges();
	memory_maps();
	window_for_all();
	large_pages();
	no_tables();
	nothing_left();
	segments();
	parking();
	odd_calls();
	expected_entries();
	many_handles();
	replace();
	bad_lists();
	grants();
	caches();
	owners();
	return done();
}
