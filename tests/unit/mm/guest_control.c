/* SPDX-License-Identifier: MIT */
/*
 * A guest that is a control domain to the other: it names the other's frames in its own tables, and
 * never flushes (TLB-9). Both are, to each other.
 */
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/window.h>
#include <isola/vcpu.h>
#include <xen/memory.h>
#include "guest.h"
#include "guest_calls.h"

static struct domain *the_other(void)
{
	return current->domain == &world_domain ? &world_foreign : &world_domain;
}

static unsigned frame_of_others(void)
{
	return first_own ? 1 + rnd(NR_OWN - 1) : FOREIGN_FIRST + rnd(SMALL_FOREIGN);
}

static bool is_l1(unsigned f)
{
	return (page_of(_mfn(f))->type_info & (PGT_type_mask | PGT_validated)) ==
	       (PGT_l1 | PGT_validated);
}

/*
 * An L1 table of one's own, rather one that the processor remembers; if there is none, any frame.
 */
static unsigned some_l1(void)
{
	unsigned first = own_frame(), found = first;

	for (unsigned i = 0; i < nr_own; i++) {
		unsigned f = first_own + (first - first_own + i) % nr_own;

		if (!is_l1(f))
			continue;
		found = f;
		if (tlb_use[f][USE_L1])
			break;
	}
	return found;
}

/* An entry of the table @f becomes @e, and the processor goes through it. */
static bool set_entry(unsigned depth, unsigned f, unsigned slot, pte_t e)
{
	struct mmu_update req = { .ptr = (u64)f << PAGE_SHIFT | 8 * slot, .val = e };
	u32 done = 0;

	if (!call(depth, __HYPERVISOR_mmu_update, (u64)&req, 1, (u64)&done, the_other()->domid))
		return false;
	/* Not a store to what is no table. */
	if (done == 1 && is_l1(f)) {
		seen.named++;
		tlb_use[f][USE_L1] = true;
	}
	tlb_touch(f, slot);
	return true;
}

/* Its owner gives the frame up, or makes a table of it. */
static bool reuse(unsigned depth, u64 mfn)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF,
					    .extent_start.p = (void *)&mfn };
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn };

	return rnd(2) ? call(depth, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (u64)&r, 0,
			     0)
		      : call(depth, __HYPERVISOR_mmuext_op, (u64)&op, 1, 0, DOMID_SELF);
}

/* Something is done to the other's frames, on visits: most of it to its tables. */
static bool handle(unsigned depth)
{
	static const u32 cmds[] = {
		MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,
		MMUEXT_UNPIN_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_CLEAR_PAGE, MMUEXT_COPY_PAGE,
		MMUEXT_NEW_BASEPTR,
	};
	struct mmuext_op op = { .cmd = cmds[rnd(ARRAY_SIZE(cmds))],
				.arg1.mfn = frame_of_others(), .arg2.src_mfn = frame_of_others() };

	return call(depth, __HYPERVISOR_mmuext_op, (u64)&op, 1, 0, the_other()->domid);
}

/* A frame is named, and mostly not any more when its owner puts it to another use. */
bool do_name(unsigned depth)
{
	unsigned table = some_l1(), slot = slots[rnd(NR_SLOTS)], f = frame_of_others();
	bool good;

	if (!world_controls)
		return true;
	good = set_entry(depth, table, slot, (u64)f << PAGE_SHIFT | PTE_P | (rnd(3) ? PTE_RW : 0));
	if (good && rnd(4))
		good = set_entry(depth, table, slot, 0);
	if (good && rnd(2))
		good = handle(depth);
	if (good && rnd(2)) {
		guest_turn();
		good = reuse(depth + 1, f);
		guest_turn();
	}
	return good;
}
