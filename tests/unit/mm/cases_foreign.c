/* SPDX-License-Identifier: MIT */
/*
 * Calls that name another domain's frames: who may, which frames, where, and how each is refused.
 * Domain 0 is a control domain, domain 1 is not.
 */
#define __XEN_TOOLS__ 1		/* resources are among the tools' */
#include <asm/m2p.h>
#include <asm/page_type.h>
#include <isola/errno.h>
#include <xen/memory.h>
#include "cases.h"

#define THEIRS	(FOREIGN_FIRST + 3u)
#define OUR_L1	11u
#define OUR_L2	12u

static long name(unsigned table, unsigned slot, pte_t e, u32 domids)
{
	struct mmu_update req = { entry_at(table, slot), e };

	return hc_mmu_update((u64)&req, 1, 0, domids);
}

static long ext_of(unsigned cmd, u64 mfn, domid_t domid)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return hc_mmuext_op((u64)&op, 1, 0, domid);
}

static void start(void)
{
	world_controls = false;
	guest_start();
	check(ext(MMUEXT_PIN_L1_TABLE, OUR_L1, 0) == 0, "an L1 table");
	check(ext(MMUEXT_PIN_L2_TABLE, OUR_L2, 0) == 0, "an L2 table");
}

static bool nothing_left(void)
{
	return world_foreign.refs == 2 && world_domain.refs == 2 && world_audit() == 0;
}

static void whose(void)
{
	start();
	check(name(OUR_L1, 0, names(THEIRS), 1) == 0, "a number: that domain's frame");
	check(name(OUR_L1, 1, names(THEIRS), DOMID_SELF) == -EBUSY, "not one's own");
	check(name(OUR_L1, 1, names(30), 1) == -EBUSY, "nor the other way round");
	check(name(OUR_L1, 1, names(THEIRS), DOMID_IO) == -EBUSY, "nor a device");
	check(name(OUR_L1, 1, names(30), 0) == -ESRCH, "one's own number names nobody");
	check(name(OUR_L1, 1, names(30), 2) == -ESRCH, "nor does that of nobody");
	check(name(OUR_L1, 1, names(IO_FIRST), 1) == -EPERM, "devices are not another domain's");
	check(name(OUR_L1, 1, names(30), 1 | 2 << 16) == -EINVAL, "ours are not their tables");
	check(name(OUR_L2, 1, names(THEIRS), 1) == -EINVAL, "and so is what they name");
	check(name(OUR_L1, 1, 0, 1) == 0 && name(30, 0, 0x1234, 1) == 0, "no frame, any domain");
	check(nothing_left(), "and no call leaves a reference");
	check(ext(MMUEXT_UNPIN_TABLE, OUR_L1, 0) == 0, "with the table the entry goes");
	check(!(page_of(_mfn(THEIRS))->count_info & PGC_foreign_mask), "and its reference");
	audited("an L1 entry names a frame of the domain that the call names");
}

static void unprivileged(void)
{
	start();
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIR_L1), PGT_l1) == 0, "a table of theirs");
	for (domid_t other = 0; other < 3; other += 2) {
		check(name(THEIR_L1, 0, names(30), other) == -EPERM, "nobody else's frames");
		check(hc_update_va_mapping_otherdomain(0, names(30), 0, other) == -EPERM,
		      "nor by an address");
	}
	check(name(THEIR_L1, 0, names(THEIRS), 1) == -ESRCH, "one's own number");
	check(name(THEIR_L1, 0, names(30), DOMID_SELF) == -EBUSY, "no frame of others");
	world_swap();
	check(!page_is_shared_out(page_of(_mfn(30))), "none was shared out");
	audited("who is no control domain names no other");
}

/* Entries of theirs, as the control domain wants them: they hold what theirs hold. */
static void their_tables(void)
{
	const u32 theirs = 1 | 2 << 16;
	u64 before;

	start();
	check(ext_of(MMUEXT_PIN_L1_TABLE, THEIR_L1, 1) == 0, "a table of theirs");
	before = page_of(_mfn(THEIRS))->count_info;
	check(name(THEIR_L1, 0, names(THEIRS) | PTE_RW, theirs) == 0, "an entry for their frame");
	check(page_of(_mfn(THEIRS))->count_info == before + PGC_one, "which is the owner's use");
	check(name(THEIR_L1, 1, names(30), theirs) == -EBUSY, "none for ours");
	check(name(THEIR_L1, 1, names(30), DOMID_SELF | 2 << 16) == -EPERM, "also by name");
	check(name(THEIR_L1, 1, names(IO_FIRST), DOMID_IO | 2 << 16) == -EPERM, "nor a device");
	check(name(THEIR_L1, 1, names(THEIRS), 1 | 3 << 16) == -ESRCH, "nobody's tables");
	check(name(THEIR_L1, 0, 0x1200, theirs | 0) == 0, "and it goes");
	check(page_of(_mfn(THEIRS))->count_info == before, "with its use");
	check(hc_mmu_update((u64)&(struct mmu_update){ entry_at(THEIRS, 0) | MMU_MACHPHYS_UPDATE,
						       7 }, 1, 0, theirs) == -EPERM, "no names");
	check(nothing_left(), "and no call leaves a reference");
	check(ext_of(MMUEXT_UNPIN_TABLE, THEIR_L1, 1) == 0, "the end");
	world_swap();
	check(name(THEIR_L1, 0, names(30), DOMID_SELF | 1 << 16) == -EPERM, "not for all");
	world_swap();
	audited("the control domain changes another's tables");
}

/* What may be written is in nobody's hands as a table, and the other way round. */
static void uses(void)
{
	start();
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIRS), PGT_l1) == 0, "a table of theirs");
	world_swap();
	check(name(OUR_L1, 0, names(THEIRS) | PTE_RW, 1) == -EBUSY, "cannot be written");
	check(name(OUR_L1, 0, names(THEIRS), 1) == 0, "can be read");
	check(name(OUR_L1, 0, names(THEIRS) | PTE_RW, 1) == -EBUSY, "still cannot be written");
	world_swap();
	check(page_unpin(&world_foreign, _mfn(THEIRS)) == 0, "no table any more");
	world_swap();
	check(name(OUR_L1, 0, names(THEIRS) | PTE_RW, 1) == 0, "can be written");
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIRS), PGT_l1) == -EINVAL, "cannot be a table");
	world_swap();
	check(name(OUR_L1, 0, 0, DOMID_SELF) == 0, "whoever takes the entry away");
	world_swap();
	check(page_pin(&world_foreign, _mfn(THEIRS), PGT_l1) == 0, "a table again");
	world_swap();
	audited("a foreign frame's use is its owner's, and the mapper's");
}

static void by_address(void)
{
	const u64 va = (u64)slots[1] << L1_SHIFT;

	start();
	check(ext(MMUEXT_PIN_L3_TABLE, 13, 0) == 0, "an L3 table");
	check(update(entry_at(OUR_L2, 0), names(OUR_L1)) == 0 &&
		      update(entry_at(13, 0), names(OUR_L2)) == 0 &&
		      update(entry_at(4, 0), names(13)) == 0, "a tree");
	check(hc_update_va_mapping_otherdomain(va, names(THEIRS) | PTE_RW, 0, 1) == 0, "mapped");
	check(page_of(_mfn(THEIRS))->count_info == (PGC_shared_out | PGC_foreign_one), "counted");
	check(hc_update_va_mapping_otherdomain(va, names(30), 0, 1) == -EBUSY &&
		      hc_update_va_mapping_otherdomain(va, names(30), 0, 0) == -ESRCH &&
		      hc_update_va_mapping_otherdomain(va, names(30), 0, 2) == -ESRCH &&
		      nothing_left(), "or refused");
	check(hc_update_va_mapping(va, names(30), 0) == 0, "overwritten");
	check(page_of(_mfn(THEIRS))->count_info == PGC_shared_out, "and put");
	audited("update_va_mapping_otherdomain names frames as mmu_update does");
}

static void named(void)
{
	struct mmu_update req = { entry_at(THEIRS, 0) | MMU_MACHPHYS_UPDATE, 77 };

	start();
	check(hc_mmu_update((u64)&req, 1, 0, 1) == 0 && pfn_x(m2p_get(_mfn(THEIRS))) == 77,
	      "a name for a frame of theirs");
	check(hc_mmu_update((u64)&req, 1, 0, DOMID_SELF) == -EINVAL, "not for one's own");
	check(!page_is_shared_out(page_of(_mfn(THEIRS))), "it is in nobody's hands");
	check(nothing_left(), "and nothing is left");
	req.ptr = entry_at(30, 0) | MMU_MACHPHYS_UPDATE;
	check(hc_mmu_update((u64)&req, 1, 0, 1) == -EINVAL, "ours is none of theirs");
	req.ptr = entry_at(THEIRS, 0) | MMU_MACHPHYS_UPDATE;
	page_of(_mfn(THEIRS))->count_info |= PGC_leaving;
	check(hc_mmu_update((u64)&req, 1, 0, 1) == -EINVAL, "nor for one that is given back");
	page_of(_mfn(THEIRS))->count_info &= ~PGC_leaving;
	domain_kill(&world_foreign);
	check(name(OUR_L1, 0, names(THEIRS), 1) == -ESRCH, "the dying are nobody's to name");
	domain_discard_pages(&world_foreign);
	guest_start();
	audited("names of others' frames");
}

/* The control domain asks for a domain's grant table, makes it longer, and maps it. */
static void resource(void)
{
	u64 frames[2] = { 0, 0 };
	struct xen_mem_acquire_resource r = { .domid = 1, .type = XENMEM_resource_grant_table };
	const struct grant_table *t;

	start();
	t = world_foreign.grants;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == 0 && r.nr_frames == 64, "how many");
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EINVAL, "a number, and no list");
	r.frame_list.p = (void *)frames;
	r.nr_frames = 2;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == 0 && t->nr_frames == 2, "two");
	check(frames[0] == mfn_x(t->frame[0]) && frames[1] == mfn_x(t->frame[1]), "their numbers");
	check(nothing_left(), "nothing is held by that");
	check(name(OUR_L1, 0, names(frames[1]) | PTE_RW, 1) == 0, "one can be mapped");
	check(page_of(_mfn(frames[1]))->count_info ==
		      (PGC_shared_out | PGC_foreign_one | PGC_one), "and is held");
	r.frame = 63;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EINVAL, "beyond the end");
	r.frame = ~0ul;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EINVAL, "far beyond it");
	r = (struct xen_mem_acquire_resource){ .domid = 1, .type = 1, .id = 1 };
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EINVAL, "version 2's");
	r.type = XENMEM_resource_ioreq_server;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EOPNOTSUPP, "not a PV domain's");
	r.domid = 2;
	check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -ESRCH, "nobody's");
	world_swap();
	for (r.domid = 0; r.domid < 3; r.domid++)
		check(hc_memory_op(XENMEM_acquire_resource, (u64)&r) == -EPERM, "not for all");
	world_swap();
	audited("a domain's grant table is told to the control domain");
}

void foreign(void)
{
	whose();
	their_tables();
	unprivileged();
	uses();
	by_address();
	resource();
	named();
}
