/* SPDX-License-Identifier: MIT */
/*
 * Changing one entry. Invariants: the references of the new entry are held before it is visible;
 * those of the old one are dropped after it is gone from memory and, at L4, from every root that
 * can be walked (so they wait in the batch); the old value is the one the swap gave back (PTE-5).
 * Only the CPU sets bits (A, D) in an entry behind our back: everything else needs the page lock.
 */
#include <asm/domain_map.h>
#include <asm/extable.h>
#include <asm/insn.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

/* CON-3: the processor may set A and D once each; anything more is no accident. */
#define MAX_TRIES 16

/* PTE-1: what may change without a new look at the frame. */
#define FAST_UPPER	(PTE_A | PTE_D | PTE_AVL | PTE_NX | PTE_US | PTE_SOFT_HI)
#define FAST_L1		(FAST_UPPER | PTE_G)

static bool is_fast(unsigned level, pte_t oe, pte_t ne)
{
	pte_t may_change = level == 1 ? FAST_L1 : FAST_UPPER;

	return pte_present(oe) && pte_present(ne) && !((oe ^ ne) & ~may_change);
}

static int get_entry(struct domain *pg_owner, unsigned level, pte_t e)
{
	struct page_info *pg;
	int rc;

	if (!pte_present(e))
		return 0;
	if (level == 1)
		return pt_get_l1e(pg_owner, e);
	pg = page_get_from_mfn(pte_mfn(e), pg_owner);
	if (!pg)
		return -EINVAL;
	rc = page_type_get(pg, level_type(level - 1));
	if (rc)
		page_put(pg);
	return rc == -EBUSY ? -EINVAL : rc;
}

static void put_entry(unsigned level, pte_t e)
{
	if (!pte_present(e))
		return;
	if (level == 1)
		pt_put_l1e(e);
	else
		page_put_and_type(page_of(pte_mfn(e)));
}

/*
 * Swap @ne in. *@oe is the value expected (with @any: whatever is there) and becomes the value that
 * was there.
 */
static bool swap_entry(pte_t *pe, pte_t *oe, pte_t ne, bool any)
{
	if (any) {
		*oe = __atomic_exchange_n(pe, ne, __ATOMIC_SEQ_CST);
		return true;
	}
	return __atomic_compare_exchange_n(pe, oe, ne, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool swap_keeping_ad(pte_t *pe, pte_t *oe, pte_t ne)
{
	for (unsigned i = 0; i < MAX_TRIES; i++)
		if (swap_entry(pe, oe, ne | (*oe & (PTE_A | PTE_D)), false))
			return true;
	return false;
}

void pt_batch_end(struct pt_batch *batch)
{
	struct page_info *old = batch->old_l3;

	if (batch->any_l4)
		root_dispatch(&batch->roots);
	if (batch->flush_here)
		tlb_flush_local();
	batch->old_l3 = NULL;
	batch->any_l4 = batch->flush_here = false;
	if (old)
		page_put_and_type(old);
}

/*
 * Before an entry above L1 takes or drops references: at most one table waits for a dispatch, and
 * what is done next may need the vcpu's one place for a parked table. -ERESTART: that place is
 * taken now.
 */
static int make_room(struct pt_batch *batch)
{
	if (likely(!batch->old_l3))
		return 0;
	pt_batch_end(batch);
	return mfn_is_valid_num(this_vcpu.old_guest_table) ? -ERESTART : 0;
}

enum how { HOW_ANY, HOW_KEEP_AD, HOW_EXPECTED };

static bool swap_in(pte_t *pe, pte_t *oe, pte_t ne, enum how how)
{
	if (how == HOW_KEEP_AD)
		return swap_keeping_ad(pe, oe, ne);
	return swap_entry(pe, oe, ne, how == HOW_ANY);
}

/*
 * Row by row as in docs/page-types.md: the entry at @pe of @table has become another, *@oe is gone.
 * True: its references wait in the batch, the caller does not drop them.
 */
static bool owe(struct pt_batch *batch, struct page_info *table, unsigned level, const pte_t *pe,
		pte_t oe, bool fast)
{
	pte_t *l4;

	if (level == 1)
		return false;
	batch->flush_here |= pte_present(oe);
	if (level != 4)
		return false;
	l4 = window_ptr(page_mfn(table));
	root_l4_written(page_mfn(table), l4, pe - l4, &batch->roots);
	batch->any_l4 = true;
	if (fast || !pte_present(oe))
		return false;
	batch->old_l3 = page_of(pte_mfn(oe));
	return true;
}

static __always_inline int modify(struct domain *pg_owner, struct page_info *table, unsigned level,
				  pte_t *pe, pte_t *expected, pte_t ne, enum how how,
				  struct pt_batch *batch)
{
	pte_t oe = how == HOW_EXPECTED ? *expected : pte_read(pe);
	bool fast, swapped;
	int rc = pt_check_entry(current->domain, level, &ne);

	if (rc)
		return rc;
	fast = is_fast(level, oe, ne);
	if (!fast) {
		rc = level > 1 ? make_room(batch) : 0;
		if (!rc)
			rc = get_entry(pg_owner, level, ne);
		if (rc)
			return rc;
	}
	swapped = swap_in(pe, &oe, ne, how);
	if (!swapped) {
		if (!fast)
			put_entry(level, ne);
		if (how == HOW_EXPECTED)
			*expected = oe;
		return -EAGAIN;
	}
	if (!owe(batch, table, level, pe, oe, fast) && !fast)
		put_entry(level, oe);
	return 0;
}

static __noinline int modify_any(struct domain *pg_owner, struct page_info *table, unsigned level,
				 pte_t *pe, pte_t ne, enum pt_preserve preserve,
				 struct pt_batch *batch)
{
	enum how how = preserve == PT_PRESERVE_AD ? HOW_KEEP_AD : HOW_ANY;

	return modify(pg_owner, table, level, pe, NULL, ne, how, batch);
}

int pt_modify(struct domain *pg_owner, struct page_info *table, unsigned level, pte_t *pe,
	      pte_t ne, enum pt_preserve preserve, struct pt_batch *batch)
{
	/* By far most entries are L1's, and replaced. */
	if (likely(level == 1 && preserve == PT_REPLACE))
		return modify(pg_owner, table, 1, pe, NULL, ne, HOW_ANY, batch);
	return modify_any(pg_owner, table, level, pe, ne, preserve, batch);
}

int pt_modify_expected(struct domain *pg_owner, struct page_info *table, unsigned level, pte_t *pe,
		       pte_t *expected, pte_t ne)
{
	return modify(pg_owner, table, level, pe, expected, ne, HOW_EXPECTED, NULL);
}

/*
 * An entry of a table that nothing holds: its frame may be leaving the window, or have left it. Absent
 * then. What is read of a frame that has changed its use leads nowhere: the L1 at the end of the walk is
 * taken by reference and type before it is used.
 */
static __always_inline pte_t read_guarded(const pte_t *pe)
{
	pte_t e = 0;

	asm volatile ("1: mov %1, %0\n\t2:\n\t" _ASM_EXTABLE(1b, 2b) : "+r"(e) : "m"(*pe));
	return e;
}

/* What the entry for @va in the table @m of @level names, or INVALID_MFN. */
static __always_inline mfn_t next_table(mfn_t m, u64 va, unsigned level)
{
	const pte_t *table = window_ptr(m);
	pte_t e = read_guarded(&table[pt_index(va, level)]);

	return pte_present(e) ? pte_mfn(e) : INVALID_MFN;
}

/*
 * The frame of the L1 table for @va, or INVALID_MFN: a walk of plain loads, interrupts off (window
 * rules).
 */
static mfn_t find_l1(u64 va)
{
	mfn_t m = this_vcpu.kernel_l4;

	if (mfn_is_valid_num(m))
		m = next_table(m, va, 4);
	if (mfn_is_valid_num(m))
		m = next_table(m, va, 3);
	if (mfn_is_valid_num(m))
		m = next_table(m, va, 2);
	return m;
}

static bool is_guest_address(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va && !is_hv_address(va);
}

pte_t *pt_walk_l1e(u64 va, struct page_info **table)
{
	struct page_info *pg = NULL;
	u64 flags;
	mfn_t m;

	if (!is_guest_address(va))
		return NULL;
	/*
	 * With interrupts off no frame of this walk can be given to another use or owner: that
	 * needs a flush that waits for this CPU (TLB-8). It may leave the window before that flush,
	 * so the reads are guarded. After the reference is held none can leave; the use is the
	 * caller's to check.
	 */
	flags = irq_save();
	m = find_l1(va);
	if (mfn_is_valid_num(m))
		pg = page_get_from_mfn(m, current->domain);
	irq_restore(flags);
	if (!pg)
		return NULL;
	*table = pg;
	return (pte_t *)window_ptr(m) + pt_index(va, 1);
}

pte_t *pt_lock_l1e(u64 va, struct page_info **table)
{
	pte_t *pe = pt_walk_l1e(va, table);
	unsigned level;

	if (!pe)
		return NULL;
	level = page_lock_table(*table);
	if (level == 1)
		return pe;
	if (level)
		page_unlock_table(*table);
	page_put(*table);
	return NULL;
}

void pt_unlock_l1e(struct page_info *table)
{
	page_unlock_table(table);
	page_put(table);
}
