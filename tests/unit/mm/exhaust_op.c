/* SPDX-License-Identifier: MIT */
/*
 * What can be done in a state: each call of the product with every argument, a step of the
 * processor, and what the other domain does.
 */
#include <string.h>
#include <asm/hypercall.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/root.h>
#include <xen/memory.h>
#include <xen/xen.h>
#include "exhaust.h"

#define TELL(...) do { if (telling) printf(__VA_ARGS__); } while (0)

/*
 * The list of a batch is written as it is read: the second request knows what the first has done.
 */
static struct mmu_update list[2];

void write_request(u64 at)
{
	unsigned f, slot = 0, level = 0;
	u64 how = MMU_NORMAL_PT_UPDATE;
	pte_t e = 0;			/* a plain store: what, is decided when it matters */

	if (at != (u64)&list[0] && at != (u64)&list[1])
		return;
	f = choose_frame();
	if (page_of(_mfn(f))->type_info & PGT_validated)
		level = type_level(page_of(_mfn(f))->type_info);
	if (level) {
		slot = 2 * choose(2);
		e = choose_entry(level);
		if (with_keep_ad && choose(2))
			how = MMU_PT_UPDATE_PRESERVE_AD;
	}
	TELL(" mmu_update(frame %u slot %u %lx)", f, slot, e);
	*(struct mmu_update *)at =
		(struct mmu_update){ ((u64)f << PAGE_SHIFT) + slot * sizeof(pte_t) + how, e };
}

/*
 * Two requests in one call where there is a table whose updates leave something pending for the end
 * of the batch.
 */
static void run_mmu_update(void)
{
	unsigned n = 1;
	long rc;

	if (with_batches && mfn_is_valid_num(this_vcpu.kernel_l4))
		n += choose(2);
	rc = hc_mmu_update((u64)list, n, 0, DOMID_SELF);
	TELL(" = %ld", rc);
}

/* A call that only finishes what is parked. */
static void run_nothing(void)
{
	long rc = hc_mmu_update(0, 0, 0, DOMID_SELF);

	TELL(" nothing = %ld", rc);
}

static void ext(unsigned cmd, u64 mfn)
{
	struct mmuext_op op = { .cmd = cmd };
	long rc;

	op.arg1.mfn = mfn;
	rc = hc_mmuext_op((u64)&op, 1, 0, DOMID_SELF);
	TELL(" mmuext %u(frame %lu) = %ld", cmd, mfn, rc);
}

static void run_pin(void)
{
	unsigned level = choose(4);
	ext(MMUEXT_PIN_L1_TABLE + level, choose_frame());
}
static void run_unpin(void) { ext(MMUEXT_UNPIN_TABLE, choose_frame()); }
static void run_baseptr(void) { ext(MMUEXT_NEW_BASEPTR, choose_frame()); }
static void run_user_baseptr(void)
{
	if (with_user)
		ext(MMUEXT_NEW_USER_BASEPTR, choose(2) ? choose_frame() : 0);
}

static void run_update_va(void)
{
	u64 va = 0;
	long rc;

	if (!with_va)
		return;
	for (unsigned level = 1; level <= 4; level++)
		va |= 2ul * choose(2) << (L1_SHIFT + 9 * (level - 1));
	rc = hc_update_va_mapping(va, choose_entry(1), 0);
	TELL(" update_va(%lx) = %ld", va, rc);
}

static void run_set_gdt(void)
{
	u64 list[1];
	long rc;

	if (!with_segments)
		return;
	if (choose(2)) {
		rc = hc_set_gdt(0, 0);
		TELL(" set_gdt() = %ld", rc);
		return;
	}
	list[0] = choose_frame();
	if (frame_ptr(list[0])[0] == PTE_UNDECIDED && choose(2))
		frame_ptr(list[0])[0] = 0x00008c0000000000;	/* present, a call gate */
	rc = hc_set_gdt((u64)list, 1);
	TELL(" set_gdt(frame %lu) = %ld", list[0], rc);
}

static void run_memory(void)
{
	static const unsigned ops[] = { XENMEM_decrease_reservation, XENMEM_populate_physmap,
					XENMEM_exchange };
	u64 list[1] = { 0 }, out[1] = { 0 };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	unsigned op;
	long rc;

	if (!with_memory)
		return;
	op = ops[choose(3)];
	if (op != XENMEM_populate_physmap)
		list[0] = choose_frame();
	r.extent_start.p = x.in.extent_start.p = (void *)list;
	x.out.extent_start.p = (void *)out;
	rc = hc_memory_op(op, op == XENMEM_exchange ? (u64)&x : (u64)&r);
	TELL(" memory_op %u(frame %lu) = %ld", op, list[0], rc);
}

/* Our domain maps the frame that is lent, by the address of an entry, or gives it back. */
static void run_grant(void)
{
	struct gnttab_map_grant_ref map = { .dom = 1 };
	struct gnttab_unmap_grant_ref unmap = { 0 };
	static const u32 kinds[] = { GNTMAP_host_map, GNTMAP_device_map,
				     GNTMAP_host_map | GNTMAP_device_map };
	u64 entry = 0;

	if (!with_grants)
		return;
	if (!our_grants.nr_handles) {
		map.flags =
			kinds[choose(3)] | GNTMAP_contains_pte | (choose(2) ? GNTMAP_readonly : 0);
		if (map.flags & GNTMAP_host_map)
			map.host_addr = ((u64)choose_frame() << PAGE_SHIFT) + 16 * choose(2);
		hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1);
		TELL(" map grant (flags %x, entry %lx) = %d", map.flags, map.host_addr, map.status);
		return;
	}
	if (choose(2))
		entry = ((u64)choose_frame() << PAGE_SHIFT) + 16 * choose(2);
	unmap.host_addr = entry;
	unmap.dev_bus_addr = choose(2) ? (u64)lent_frame << PAGE_SHIFT : 0;
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1);
	TELL(" unmap grant (entry %lx, device %lx) = %d", unmap.host_addr, unmap.dev_bus_addr,
	     unmap.status);
}

/*
 * What the other domain does to its frame: a store, which makes it writable for a moment; a pin,
 * which makes it an L1; an unpin.
 */
static void run_other(void)
{
	struct page_info *pg = page_of(_mfn(lent_frame));
	int rc;

	if (!with_grants)
		return;
	this_cpu.visited = &world_foreign;	/* as where it runs; here nothing is flushed */
	switch (choose(3)) {
	case 0:
		rc = page_get_and_type(pg, &world_foreign, PGT_writable);
		if (!rc)
			page_put_and_type(pg);
		TELL(" the lender stores to its frame = %d", rc);
		break;
	case 1:
		rc = page_pin(&world_foreign, _mfn(lent_frame), PGT_l1);
		TELL(" the lender pins its frame = %d", rc);
		break;
	default:
		rc = page_unpin(&world_foreign, _mfn(lent_frame));
		TELL(" the lender unpins it = %d", rc);
	}
	this_cpu.visited = NULL;
}

/*
 * The processor takes one step: from a root, or from the table that it remembers; and forgets what
 * it remembered before.
 */
static void run_walk(void)
{
	unsigned f = 0, level = 4, target;
	const pte_t *from = choose(2) ? user_root[0] : kernel_root[0];
	pte_t e;

	for (unsigned g = 1; g <= N; g++)
		for (unsigned u = USE_L1; u <= USE_L3; u++)
			if (tlb_use[g][u])
				f = g, level = 1 + u - USE_L1;
	if (f && choose(2)) {
		from = frame_ptr(f);
	} else if (from_anywhere && choose(2)) {
		f = choose_frame();
		level = type_level(page_of(_mfn(f))->type_info);
		if (!level || !(page_of(_mfn(f))->type_info & PGT_validated) ||
		    page_of(_mfn(f))->owner != world_domain.domid)
			return;
		from = frame_ptr(f);
	} else {
		level = 4;
	}
	e = from[2 * choose(2)];
	target = mfn_x(pte_mfn(e));
	if (!pte_present(e) || e & PTE_PS)
		return;
	memset(tlb_use, 0, sizeof(tlb_use));
	tlb_use[target][level > 1		    ? USE_L1 + level - 2
			: (e & PTE_RW) && choose(2) ? USE_WRITE
						    : USE_READ] = true;
	TELL(" the processor walks from level %u to frame %u", level, target);
}

void (*const actions[])(void) = {
	run_mmu_update, run_pin,     run_unpin,	 run_baseptr, run_user_baseptr, run_nothing,
	run_update_va,	run_set_gdt, run_memory, run_walk,    run_grant,	run_other,
};
const unsigned nr_actions = ARRAY_SIZE(actions);
