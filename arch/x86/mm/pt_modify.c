/* SPDX-License-Identifier: MIT */
/*
 * Changing one entry. Invariants: the references of the new entry are held before it is visible;
 * those of the old one are dropped after it is gone from memory and, at L4, from every root that
 * can be walked (so they wait in the batch); the old value is the one the swap gave back (PTE-5).
 * Only the CPU sets bits (A, D) in an entry behind our back: everything else needs the page lock.
 */
#include <asm/extable.h>
#include <asm/insn.h>
#include <asm/loaded.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

/* CON-3: the processor may set A and D once each; anything more is no accident. */
#define MAX_TRIES 16

static __always_inline bool is_fast(unsigned level, pte_t oe, pte_t ne)
{
	pte_t may_change = level == 1 ? PT_FREE_L1 : PT_FREE_UPPER;

	return pte_present(oe) && pte_present(ne) && !((oe ^ ne) & ~may_change);
}

/* Above L1 an entry names a table of its own table's owner. */
static int get_entry(struct domain *pg_owner, unsigned level, pte_t e)
{
	struct page_info *pg;
	int rc;

	if (!pte_present(e))
		return 0;
	if (level == 1)
		return pt_get_l1e(loaded_domain(), pg_owner, e);
	if (pg_owner != loaded_domain())
		return -EINVAL;
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
		pt_put_l1e(loaded_domain(), e);
	else
		page_put_and_type(page_of(pte_mfn(e)));
}

static bool swap_keeping_ad(pte_t *pe, pte_t *oe, pte_t ne)
{
	for (unsigned i = 0; i < MAX_TRIES; i++)
		if (pt_swap(pe, oe, ne | (*oe & (PTE_A | PTE_D)), PT_EXPECTED))
			return true;
	return false;
}

void pt_batch_flush(struct pt_batch *batch)
{
	if (root_is_dirty(&batch->roots))
		root_dispatch(&batch->roots);
	if (batch->flush_here)
		tlb_flush_local();
	if (batch->old_l3)
		page_put_and_type(batch->old_l3);
}

/*
 * Before an entry above L1 takes or drops references: at most one table waits for a dispatch, and
 * what is done next may park a table, as may letting go of the table held. -ERESTART: one is parked
 * already.
 */
static int make_room(struct pt_batch *batch)
{
	if (likely(!batch->old_l3))
		return 0;
	pt_batch_flush(batch);
	*batch = (struct pt_batch){ 0 };
	return page_type_is_parked() ? -ERESTART : 0;
}

/*
 * Row by row as in docs/page-types.md: the entry @pe above L1 has become another, @oe is gone.
 * True: its references wait in the batch, the caller does not drop them.
 */
static __always_inline bool defer(struct pt_batch *batch, unsigned level, pte_t *pe, pte_t oe,
				  bool fast)
{
	if (pte_present(oe))
		batch->flush_here = batch->pending = true;
	if (level != 4)
		return false;
	if (!fast && pte_present(oe))
		batch->old_l3 = page_of(pte_mfn(oe));
	root_l4_written(pe, &batch->roots);
	if (root_is_dirty(&batch->roots))
		batch->pending = true;
	return true;
}

static bool swap_in(pte_t *pe, pte_t *oe, pte_t ne, enum pt_how how)
{
	return how == PT_KEEP_AD ? swap_keeping_ad(pe, oe, ne) : pt_swap(pe, oe, ne, how);
}

/* *@oe: as pt_swap() takes and gives it. */
static __always_inline int modify(struct domain *pg_owner, unsigned level, pte_t *pe, pte_t *oe,
				  pte_t ne, enum pt_how how, struct pt_batch *batch)
{
	bool fast;
	int rc = pt_check_entry(loaded_domain(), level, &ne);

	if (rc)
		return rc;
	fast = is_fast(level, *oe, ne);
	if (!fast) {
		rc = level > 1 ? make_room(batch) : 0;
		if (!rc)
			rc = get_entry(pg_owner, level, ne);
		if (rc)
			return rc;
	}
	if (unlikely(!swap_in(pe, oe, ne, how))) {
		if (!fast)
			put_entry(level, ne);
		return -EAGAIN;
	}
	if (!(level > 1 && defer(batch, level, pe, *oe, fast)) && !fast)
		put_entry(level, *oe);
	return 0;
}

int pt_modify(struct domain *pg_owner, unsigned level, pte_t *pe, pte_t ne,
	      enum pt_preserve preserve, struct pt_batch *batch)
{
	enum pt_how how = preserve == PT_PRESERVE_AD ? PT_KEEP_AD : PT_ANY;
	pte_t oe = pte_read(pe);

	return modify(pg_owner, level, pe, &oe, ne, how, batch);
}

/* As pt_change_l1e(): an entry above L1 that names a live table, or nothing, comes for another. */
static __always_inline bool change_upper(struct domain *pg_owner, unsigned level, pte_t *pe,
					 pte_t ne, struct pt_batch *batch)
{
	pte_t oe = pte_read(pe);

	if (unlikely(batch->old_l3))
		return false;
	if (pte_present(ne)) {
		if (is_fast(level, oe, ne) || unlikely(!pt_take_upper(pg_owner, level, &ne)))
			return false;
	} else if (unlikely(ne)) {
		return false;
	}
	pt_swap(pe, &oe, ne, PT_ANY);
	if (!defer(batch, level, pe, oe, false) && pte_present(oe))
		page_put_and_type(page_of(pte_mfn(oe)));
	return true;
}

int pt_replace_upper(struct domain *pg_owner, unsigned level, pte_t *pe, pte_t ne,
		     struct pt_batch *batch)
{
	if (likely(change_upper(pg_owner, level, pe, ne, batch)))
		return 0;
	return pt_modify(pg_owner, level, pe, ne, PT_REPLACE, batch);
}

int pt_modify_expected_slow(struct domain *d, pte_t *pe, pte_t *expected, pte_t ne)
{
	return modify(d, 1, pe, expected, ne, PT_EXPECTED, NULL);
}

int pt_modify_expected(struct domain *d, pte_t *pe, pte_t *expected, pte_t ne)
{
	return pt_expect_l1e(d, pe, expected, ne);
}

/*
 * An entry of a table that nothing holds: its frame may be leaving the window, or have left it.
 * Absent then. What is read of a frame that has changed its use leads nowhere: what the walk ends
 * at is taken by reference and type before it is used.
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

	return likely(pte_present(e)) ? pte_mfn(e) : INVALID_MFN;
}

/*
 * The frame of the L1 table for @va, or INVALID_MFN: a walk of plain loads, interrupts off (window
 * rules).
 */
static __always_inline mfn_t find_l1(u64 va)
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

/*
 * Interrupts off. No frame of this walk can be given to another use or owner meanwhile: that needs
 * a flush that waits for this CPU (TLB-8). It may leave the window before that flush, so the reads
 * are guarded. After the reference is held none can leave; the use is the caller's to check.
 */
static __always_inline struct page_info *get_l1(u64 va)
{
	mfn_t m = find_l1(va);

	return likely(mfn_is_valid_num(m)) ? page_get_from_mfn(m, current->domain) : NULL;
}

pte_t pt_read_l1e(u64 va)
{
	pte_t e = 0;
	u64 flags;
	mfn_t m;

	if (unlikely(!is_guest_address(va)))
		return 0;
	flags = irq_save();
	m = find_l1(va);
	if (likely(mfn_is_valid_num(m)))
		e = read_guarded((pte_t *)window_ptr(m) + pt_index(va, 1));
	irq_restore(flags);
	return e;
}

pte_t *pt_lock_l1e(u64 va, struct page_info **table)
{
	struct page_info *pg;
	unsigned level;

	if (unlikely(!is_guest_address(va)))
		return NULL;
	irq_disable();
	pg = get_l1(va);
	irq_enable();
	if (unlikely(!pg))
		return NULL;
	*table = pg;
	if (unlikely(!page_lock_live(pg, PGT_l1))) {
		level = page_lock_table(pg);
		if (level > 1)
			page_unlock_table(pg);
		if (level != 1) {
			page_put(pg);
			return NULL;
		}
	}
	return (pte_t *)window_ptr(page_mfn(pg)) + pt_index(va, 1);
}
