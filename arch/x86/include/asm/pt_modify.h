/* SPDX-License-Identifier: MIT */
/*
 * Changing one entry of a guest page table: check, take the new entry's references, swap, drop the
 * old one's. PTE-1..5. Used by mmu_update, update_va_mapping and the emulation of direct writes
 * alike.
 */
#pragma once

#include <asm/pgentry.h>
#include <asm/pt_check.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <isola/domain.h>
#include <isola/vcpu.h>

enum pt_preserve {
	PT_REPLACE,
	PT_PRESERVE_AD,                 /* A and D of the old entry are kept, atomically */
};

/*
 * What a batch of updates leaves pending, gathered entry by entry and done once, by pt_batch_end(),
 * on every way out: success, error, preemption. All zero: nothing. Entries that were refused add
 * nothing.
 */
struct pt_batch {
	bool pending;                   /* any of the rest is set */
	/* a present entry above L1 was replaced: guests count on this CPU forgetting it */
	bool flush_here;
	/* an L4 entry named it; its references are dropped after the dispatch */
	struct page_info *old_l3;
	struct root_dirty roots;
};

/*
 * Roots first, then this CPU's TLB, then the references: the end of the batch, or, when a second L4
 * entry is to be dropped, its middle. No page lock held by the caller is needed; what is dropped
 * may be parked.
 */
void pt_batch_flush(struct pt_batch *batch);
static __always_inline void pt_batch_end(struct pt_batch *batch)
{
	if (unlikely(batch->pending))
		pt_batch_flush(batch);
}

/*
 * Replace the entry @pe (by window address, inside a frame of the loaded domain's typed l<level>,
 * type reference and page lock held) by @ne, a guest's value. @pg_owner owns the frames that @ne
 * may name.
 * Returns 0; -EINVAL, -EPERM, -EBUSY, -EAGAIN (accessed/dirty bits kept changing); -ERESTART,
 * -EINTR: again, behind softirqs. Nothing has changed on error, but that -ERESTART has
 * left progress in a lower table.
 * Effects: what the old entry named may be parked: page_type_finish_parked() before the next
 * operation. What is pending for roots and TLBs is added to *batch (may be NULL at level 1).
 */
int __must_check pt_modify(struct domain *pg_owner, unsigned level, pte_t *pe, pte_t ne,
			   enum pt_preserve preserve, struct pt_batch *batch);
/* The same above level 1 with PT_REPLACE. */
int __must_check pt_replace_upper(struct domain *pg_owner, unsigned level, pte_t *pe, pte_t ne,
				  struct pt_batch *batch);

/*
 * The same at level 1 if the entry is still exactly *@expected: what an emulated atomic instruction
 * needs. Of @d's table for a frame of its own.
 * -EAGAIN: it is not, *@expected is what is there now.
 */
int __must_check pt_modify_expected(struct domain *d, pte_t *pe, pte_t *expected, pte_t ne);

/* Does a slot of an L4 stand at @maddr that is not the guest's? */
static __always_inline bool is_hv_slot(u64 maddr)
{
	unsigned slot = (maddr & ~PAGE_MASK) / sizeof(pte_t);

	return slot >= L4_SLOT_HV_FIRST && slot <= L4_SLOT_HV_LAST;
}

/* ---- L1 entries in line -------------------------------------------------------------------------
 *
 * What nearly all changes are: an entry appears, goes, or names the same RAM with other rights.
 * Everything else, and every refusal, is pt_modify()'s. @d is the owner of the table, and of what
 * is named: for others' frames there is pt_modify() alone.
 */

/* PTE-1: what may change without a new look at the frame. */
#define PT_FREE_UPPER	(PTE_A | PTE_D | PTE_AVL | PTE_NX | PTE_US | PTE_SOFT_HI)
#define PT_FREE_L1	(PT_FREE_UPPER | PTE_G)

enum pt_how { PT_ANY, PT_KEEP_AD, PT_EXPECTED };

/*
 * Swap @ne in (PTE-5). *@oe is the value expected (PT_ANY: whatever is there) and becomes the value
 * that was there.
 */
static __always_inline bool pt_swap(pte_t *pe, pte_t *oe, pte_t ne, enum pt_how how)
{
	if (how == PT_ANY) {
		*oe = __atomic_exchange_n(pe, ne, __ATOMIC_SEQ_CST);
		return true;
	}
	return __atomic_compare_exchange_n(pe, oe, ne, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Done; not what was expected; to be asked of the functions. Only "done" has changed anything. */
enum pt_inline { PT_DONE, PT_MOVED, PT_ASK };

/*
 * @oe and @ne, both present, differ in PTE_RW and the free bits only: the general reference passes
 * from the one to the other, the writable one comes or goes. COH-2's mark is for pt_get_l1e().
 */
static __always_inline enum pt_inline pt_change_rights(const struct domain *d, pte_t *pe,
						       pte_t *oe, pte_t ne, enum pt_how how)
{
	struct page_info *pg;

	if (unlikely(!mfn_has_page(pte_mfn(ne))))
		return PT_ASK;
	pg = page_of(pte_mfn(ne));
	if (unlikely(!page_is_of(pg, d)))
		return PT_ASK;
	if ((ne & PTE_RW) && unlikely((ne & L1_CACHE) || !page_type_get_live(pg, PGT_writable)))
		return PT_ASK;
	if (likely(pt_swap(pe, oe, ne, how))) {
		if (!(ne & PTE_RW))
			page_type_put_leaf(pg);
		return PT_DONE;
	}
	if (ne & PTE_RW)
		page_type_put_leaf(pg);
	return PT_MOVED;
}

static __always_inline enum pt_inline pt_change_l1e(const struct domain *d, pte_t *pe,
						    pte_t *oe, pte_t ne, enum pt_how how)
{
	if (pte_present(ne)) {
		if (pte_present(*oe) && !((*oe ^ ne) & ~(PT_FREE_L1 | PTE_RW))) {
			ne |= PTE_US;
			if ((*oe ^ ne) & PTE_RW)
				return pt_change_rights(d, pe, oe, ne, how);
			return pt_swap(pe, oe, ne, how) ? PT_DONE : PT_MOVED;
		}
		if (unlikely(!pt_take_l1e(d, &ne)))
			return PT_ASK;
	} else if (unlikely(ne) && (pt_absent_floor[0] | pt_absent_floor[1])) {
		return PT_ASK;
	}
	if (unlikely(!pt_swap(pe, oe, ne, how))) {
		if (pte_present(ne))
			pt_put_l1e(d, ne);
		return PT_MOVED;
	}
	if (pte_present(*oe))
		pt_put_l1e(d, *oe);
	return PT_DONE;
}

/* pt_modify() at level 1, PT_REPLACE. */
static __always_inline int pt_replace_l1e(struct domain *d, pte_t *pe, pte_t ne)
{
	pte_t oe = pte_read(pe);

	if (likely(pt_change_l1e(d, pe, &oe, ne, PT_ANY) == PT_DONE))
		return 0;
	return pt_modify(d, 1, pe, ne, PT_REPLACE, NULL);
}

/* pt_modify_expected() */
int __must_check pt_modify_expected_slow(struct domain *d, pte_t *pe, pte_t *expected, pte_t ne);
static __always_inline int pt_expect_l1e(struct domain *d, pte_t *pe, pte_t *expected, pte_t ne)
{
	switch (pt_change_l1e(d, pe, expected, ne, PT_EXPECTED)) {
	case PT_DONE:
		return 0;
	case PT_MOVED:
		return -EAGAIN;
	default:
		return pt_modify_expected_slow(d, pe, expected, ne);
	}
}

/* ---- Finding the entry for an address -------------------------------------------------------- */

/*
 * The L1 entry that maps @va in the current guest kernel's tables, as it is or was a moment ago; 0:
 * none. Any guest address, user ones too (the kernel table holds them). What it names may be
 * another vcpu's invention: to be taken by reference and type before it is used. Interrupts on or
 * off; on the kernel root.
 */
pte_t pt_read_l1e(u64 va);

/*
 * The same entry by its window address, with general reference, type reference and page lock on
 * *@table, the l1 table it stands in: give back by pt_unlock_l1e(). NULL: there is none. Interrupts
 * on.
 */
pte_t *__must_check pt_lock_l1e(u64 va, struct page_info **table);
static __always_inline void pt_unlock_l1e(struct page_info *table)
{
	page_unlock_table(table);
	page_put(table);
}
