/* SPDX-License-Identifier: MIT */
/*
 * The hostile guest's grants: both domains lend to each other and to themselves.
 */
#include <string.h>
#include <asm/gnttab.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include "guest.h"
#include "guest_calls.h"
#include "tap.h"

/* What has been mapped lately, and where; the guest may try to undo it twice, or elsewhere. */
#define NR_LATELY 16
static struct lately { u32 handle; u64 host_addr, dev_bus_addr; } lately[2][NR_LATELY];

static struct lately *some_lately(void) { return &lately[current->domain->domid][rnd(NR_LATELY)]; }

/*
 * Entries of the own table, written as plain memory: anything, mostly an offer that can be taken.
 */
bool do_lend(unsigned depth)
{
	struct grant_entry_v1 *table = window_ptr(current->domain->grants->frame[0]);

	for (unsigned i = 0; i < 4; i++) {
		struct grant_entry_v1 *e = &table[rnd(GUEST_REFS)];

		e->frame = rnd(6) ? frame_of_role(0) : any_frame();
		e->domid = rnd(8) ? !current->domain->domid : rnd(3);
		e->flags = rnd(8) ? GTF_permit_access | (rnd(3) ? 0 : GTF_readonly) : rnd(64);
	}
	return true;
}

static u32 random_ref(void)
{
	return rnd(20) ? rnd(GUEST_REFS) : rnd(2) ? 512 * rnd(3) : world_random();
}
static domid_t random_lender(void)
{
	return rnd(10) ? rnd(3) ? !current->domain->domid : DOMID_SELF : rnd(4);
}
static u64 l1_entry_address(void)
{
	unsigned f = rnd(8) ? frame_of_role(1) : any_frame();

	for (unsigned tries = 0;
	     tries < 10 && (f >= NR_FRAMES || type_level(page_of(_mfn(f))->type_info) != 1);
	     tries++)
		f = frame_of_role(1);
	return entry_address(f) + (rnd(30) == 0);
}

bool do_grant_map(unsigned depth)
{
	struct gnttab_map_grant_ref op[3];
	unsigned n = 1 + rnd(3);

	memset(op, 0, sizeof(op));
	for (unsigned i = 0; i < n; i++) {
		op[i].flags = (rnd(12) ? GNTMAP_host_map : 0) | (rnd(3) ? 0 : GNTMAP_readonly) |
			      (rnd(4) ? 0 : GNTMAP_device_map) |
			      (rnd(3) ? GNTMAP_contains_pte : 0) | (rnd(4) ? 0 : rnd(8) << 16);
		op[i].host_addr =
			op[i].flags & GNTMAP_contains_pte ? l1_entry_address() : random_va();
		op[i].ref = random_ref();
		op[i].dom = random_lender();
		op[i].handle = ~0u;
	}
	if (!call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)op, n, 0))
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (op[i].status || op[i].handle == ~0u)
			continue;
		seen.granted++;
		*some_lately() =
			(struct lately){ op[i].handle, op[i].host_addr, op[i].dev_bus_addr };
	}
	return true;
}

bool do_grant_unmap(unsigned depth)
{
	struct gnttab_unmap_grant_ref op[3];
	unsigned n = 1 + rnd(3);

	memset(op, 0, sizeof(op));
	for (unsigned i = 0; i < n; i++) {
		const struct lately *l = some_lately();

		op[i].status = GNTST_general_error;
		op[i].handle = rnd(20) ? l->handle : rnd(2) ? rnd(8) : world_random();
		op[i].host_addr = rnd(6)   ? l->host_addr
				  : rnd(4) ? l1_entry_address()
				  : rnd(2) ? 0
					   : random_va();
		op[i].dev_bus_addr = rnd(4) ? l->dev_bus_addr : rnd(3) ? 0 : world_random();
	}
	if (!call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)op, n, 0))
		return false;
	for (unsigned i = 0; i < n; i++)
		seen.given_back += op[i].status == GNTST_okay && op[i].host_addr;
	return true;
}

/* As do_touch(), with a frame that is lent. */
bool do_borrow(unsigned depth)
{
	unsigned table = own_frame(), slot = slots[rnd(NR_SLOTS)];
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map | GNTMAP_contains_pte |
						     (rnd(2) ? 0 : GNTMAP_readonly),
					    .ref = rnd(GUEST_REFS),
					    .dom = !current->domain->domid,
					    .handle = ~0u };
	struct gnttab_unmap_grant_ref unmap = { 0 };

	for (unsigned tries = 0; tries < NR_OWN && !tlb_use[table][USE_L1]; tries++)
		table = (table + 1) % NR_OWN;
	map.host_addr = unmap.host_addr = ((u64)table << PAGE_SHIFT) + 8 * slot;
	if (!call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)&map, 1, 0))
		return false;
	tlb_touch(table, slot);
	unmap.handle = map.handle;
	return call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)&unmap, 1,
		    0);
}

bool do_grant_replace(unsigned depth)
{
	const struct lately *l = some_lately();
	struct gnttab_unmap_and_replace op = { .handle = l->handle,
					       .host_addr = l->host_addr,
					       .new_addr = rnd(8) ? random_va() : 0 };

	return call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, (u64)&op, 1, 0);
}

static bool is_self(domid_t domid)
{
	return domid == DOMID_SELF || domid == current->domain->domid;
}

bool do_grant_copy(unsigned depth)
{
	struct gnttab_copy op[2];

	memset(op, 0, sizeof(op));
	for (unsigned i = 0; i < 2; i++) {
		struct gnttab_copy_ptr *end[2] = { &op[i].source, &op[i].dest };

		op[i].status = GNTST_general_error;	/* if the call never comes to it */
		op[i].flags = rnd(4);
		op[i].len = rnd(6) ? rnd(16) : world_random();
		for (unsigned k = 0; k < 2; k++) {
			bool by_ref = op[i].flags & (k ? GNTCOPY_dest_gref : GNTCOPY_source_gref);

			end[k]->domid = by_ref ? random_lender() : rnd(8) ? DOMID_SELF : rnd(3);
			end[k]->offset = rnd(6) ? 8 * rnd(512) : world_random();
			if (by_ref)
				end[k]->u.ref = random_ref();
			else
				end[k]->u.gmfn = any_frame();
		}
	}
	if (!call(depth, __HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)op, 2, 0))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		bool by_number = (!(op[i].flags & GNTCOPY_source_gref) &&
				  !is_self(op[i].source.domid)) ||
				 (!(op[i].flags & GNTCOPY_dest_gref) &&
				  !is_self(op[i].dest.domid));

		seen.copied += op[i].status == GNTST_okay;
		if (!check(op[i].status != GNTST_okay || !by_number,
			   "a copy by frame number of a frame of another domain"))
			return false;
	}
	return true;
}

bool do_grant_questions(unsigned depth)
{
	u64 frames[80], op[16] = { 0 };

	op[0] = rnd(4) ? DOMID_SELF | rnd(3) << 32
		       : world_random() % 4 | (rnd(8) ? rnd(3) : rnd(80)) << 32;
	op[2] = (u64)frames;
	if (rnd(2))
		op[0] = rnd(4);
	return call(depth, __HYPERVISOR_grant_table_op, rnd(14), (u64)op,
		    rnd(8)   ? 1
		    : rnd(2) ? 2
			     : ~0u,
		    0);
}

void guest_forget_grants(void)
{
	memset(lately, 0, sizeof(lately));
}
