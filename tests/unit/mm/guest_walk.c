/* SPDX-License-Identifier: MIT */
/*
 * A walk of the hostile guest, and tables taken out from under it.
 */
#include <string.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <isola/vcpu.h>
#include <xen/memory.h>
#include <xen/xen.h>
#include "guest.h"
#include "guest_calls.h"

/*
 * Entry [level] of this branch names table [level - 1]; the last is an L1 without entries. All lead
 * to @va.
 */
static struct {
	u64 va, entry[5];
	unsigned table[4];
} branch;

/* A frame from @f on that nothing holds and no processor remembers; NR_OWN: none. */
static unsigned idle_frame(unsigned f)
{
	for (; f < NR_OWN; f++)
		if (page_of(_mfn(f))->count_info == PGC_unshared &&
		    page_of(_mfn(f))->owner == current->domain->domid &&
		    !memchr(tlb_use[f], true, sizeof(tlb_use[f])))
			break;
	return f;
}

bool guest_grow(void)
{
	unsigned f = 0, above = mfn_x(this_vcpu.kernel_l4);
	struct mmu_update req;

	branch.va = 0;
	for (unsigned level = 4; level; level--) {
		unsigned slot = slots[rnd(NR_SLOTS)];

		branch.va |= (u64)slot << (L1_SHIFT + 9 * (level - 1));
		if (level == 1)
			break;
		f = idle_frame(f + 1);
		if (f >= NR_OWN)
			return false;
		branch.table[level - 1] = f;
		branch.entry[level] = ((u64)above << PAGE_SHIFT) + 8 * slot;
		memset(frame_ptr(f), 0, PAGE_SIZE);
		if (level < 4)
			frame_ptr(above)[slot] = (u64)f << PAGE_SHIFT | PTE_P | PTE_US;
		above = f;
	}
	branch.va = (u64)((s64)(branch.va << 16) >> 16);
	req.ptr = branch.entry[4];
	req.val = (u64)branch.table[3] << PAGE_SHIFT | PTE_P | PTE_US;
	return call(2, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF);
}

bool guest_walk(void)
{
	if (rnd(2))
		return call(2, __HYPERVISOR_update_va_mapping, branch.va, 0, 0, 0);
	pt_read_l1e(branch.va);		/* as for an emulated store */
	return true;
}

bool guest_cut(unsigned f)
{
	unsigned level = f == branch.table[3]	? 4
			 : f == branch.table[2] ? 3
			 : f == branch.table[1] ? 2
						: 2 + rnd(3);
	struct mmu_update req = { branch.entry[level], 0 };
	u64 list[1] = { branch.table[level - 1] };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	r.extent_start.p = (void *)list;
	if (!call(2, __HYPERVISOR_mmu_update, (u64)&req, 1, 0, DOMID_SELF) ||
	    !call(2, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&r, 0, 0))
		return false;
	seen.cut += !window_shows(current->domain, list[0]);
	return true;
}
