/* SPDX-License-Identifier: MIT */
/*
 * Page types: the single use a machine frame is put to at any moment.
 *
 * A frame is exactly one of: none, writable, l1, l2, l3, l4, seg_desc. The type may change only
 * while its count is zero. Transitions, with who may ask for each, are the table in type_word.c and
 * docs/page-types.md.
 * Concurrency: the type word changes only by atomic operations in type_word.c; reading it needs no
 * lock, but the answer is stable only while the caller holds a type reference.
 * Order on a change of type (TLB-1): take the new type, not validated, count 1 -> flush -> validate
 * -> publish.
 */
#pragma once

#include <asm/page_mark.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <isola/domain.h>
#include <isola/errno.h>

/* The table level (1..4) of a type word, 0 for what is no table. */
static inline unsigned type_level(u64 type_info)
{
	unsigned t = type_info >> PGT_type_shift;	/* nothing stands above the type */

	return t <= 4 ? t : 0;
}

static_assert(PGT_type_mask == 7ul << PGT_type_shift && PGT_l1 == 1ul << PGT_type_shift &&
	      PGT_l4 == 4ul << PGT_type_shift, "a table's type is its level");

static inline u64 level_type(unsigned level) { return (u64)level << PGT_type_shift; }

/* ---- In line: events that find the frame live and leave it so (type_word.c's table) ---------- */

/*
 * One compare-and-swap each: what does not succeed here has changed nothing, and the whole machine
 * is to be asked. PGT_count_top: so does a count that comes near its maximum; PGT_clean: so does a
 * frame that the log has as clean (LOG-1).
 */
#define PGT_count_top	(PGT_count_mask ^ PGT_count_mask >> 1)

static __always_inline bool page_type_swap(struct page_info *pg, u64 old, u64 new)
{
	return likely(__atomic_compare_exchange_n(&pg->type_info, &old, new, false,
						  __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

/* "take" */
static __always_inline bool page_type_get_live(struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info);

	return likely((x & (PGT_type_mask | PGT_validated | PGT_clean | PGT_count_top)) ==
		      (type | PGT_validated)) &&
	       page_type_swap(pg, x, x + 1);
}

/* "drop", the last reference excepted. More than one: the frame is live. */
static __always_inline bool page_type_put_live(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	return likely((x & PGT_count_mask) > 1) && page_type_swap(pg, x, x - 1);
}

/*
 * Take a type reference of @type (PGT_writable, PGT_l1.., PGT_seg_desc) on @pg, which the caller
 * holds a general reference on; the type reference does not bring one of its own. Checks
 * (validates) the contents when the frame is not of that type yet; everything an l2..l4 table names
 * gets its references.
 * Returns 0; -EBUSY in use as another type; -EINVAL, -EPERM contents refused; and for tables only:
 * -ERESTART preempted with progress kept in the frame; -EINTR preempted with nothing done (PRE-4).
 * On error nothing has changed but for -ERESTART.
 * Context: the frame's owner is the loaded domain (tables are read through the window); interrupts
 * on: it may flush.
 */
int __must_check page_type_get(struct page_info *pg, u64 type);
/* The same for PGT_writable and a frame known to be @d's: 0 or -EBUSY. */
int __must_check page_type_take_writable(struct domain *d, struct page_info *pg);
static inline int __must_check page_type_get_writable(struct domain *d, struct page_info *pg)
{
	if (likely(page_type_get_live(pg, PGT_writable)))
		return 0;
	return page_type_take_writable(d, pg);
}

/*
 * Drop one. Dropping the last reference of a table drops what its entries held, and parks what is
 * left when it must stop (PRE-3).
 */
void page_type_put(struct page_info *pg);
/* For references known to be of type writable or seg_desc: there is nothing to take apart. */
void page_type_drop_leaf(struct page_info *pg);
static inline void page_type_put_leaf(struct page_info *pg)
{
	if (likely(page_type_put_live(pg)))
		return;
	page_type_drop_leaf(pg);
}

/*
 * General and type reference together, as most holders need. As page_type_get(), and -EINVAL when
 * the frame is not d's.
 */
int __must_check page_type_get_or_put(struct page_info *pg, struct domain *d, u64 type);
static inline int __must_check page_get_and_type(struct page_info *pg, struct domain *d, u64 type)
{
	if (unlikely(!page_get(pg, d)))
		return -EINVAL;
	return page_type_get_live(pg, type) ? 0 : page_type_get_or_put(pg, d, type);
}

static inline void page_put_and_type(struct page_info *pg)
{
	if (!page_type_put_live(pg))
		page_type_put(pg);
	page_put(pg);
}

/*
 * MMUEXT_PIN/UNPIN. Pin takes one general and one type reference for itself. -EINVAL: not d's, in
 * use as another type, or already (not) pinned; else as page_type_get().
 */
int __must_check page_pin(struct domain *d, mfn_t m, u64 type);
int __must_check page_unpin(struct domain *d, mfn_t m);

/*
 * The page lock of a table: held while its entries are changed, so that only one CPU does. Spins
 * with interrupts on (the holder may wait for a flush that this CPU must answer); no other lock
 * inside. It comes and goes with a type reference.
 */

/* Both steps of page_lock_table() at once; true: the frame is a live table of @type, not locked. */
static __always_inline bool page_lock_live(struct page_info *pg, u64 type)
{
	u64 x = READ_ONCE(pg->type_info);

	return likely((x & (PGT_type_mask | PGT_validated | PGT_locked | PGT_clean |
			    PGT_count_top)) == (type | PGT_validated)) &&
	       page_type_swap(pg, x, (x + 1) | PGT_locked);
}

/*
 * Page lock and type reference in one step ("lock" and "take"), for a frame the caller holds a
 * general reference on. Returns the table's level, or 0, and nothing taken, when it is not a
 * validated table.
 */
unsigned __must_check page_lock_table_wait(struct page_info *pg);
static __always_inline unsigned __must_check page_lock_table(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	if (likely((x & (PGT_validated | PGT_locked | PGT_clean | PGT_count_top)) ==
		   PGT_validated) &&
	    likely(type_level(x)) && page_type_swap(pg, x, (x + 1) | PGT_locked))
		return type_level(x);
	return page_lock_table_wait(pg);
}

void page_unlock_table_last(struct page_info *pg);
static __always_inline void page_unlock_table(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	if (unlikely((x & PGT_count_mask) <= 1) ||
	    !page_type_swap(pg, x, (x - 1) & ~PGT_locked))
		page_unlock_table_last(pg);
}

/* Where what is done now parks: on a visit nothing of the caller's is in sight. */
static inline mfn_t *page_type_parking(void)
{
	return unlikely(this_cpu.visited) ? this_cpu.visited->visit_parked
					  : this_vcpu.old_guest_table;
}

/*
 * PRE-3: finish the tables this vcpu has parked; on a visit, those that visits have. 0, or
 * -ERESTART: the operation must be continued and do nothing else. Every memory operation begins
 * with it, and so does every visit.
 */
static inline bool page_type_is_parked(void)
{
	return unlikely(mfn_is_valid_num(this_vcpu.old_guest_table[0]));
}

int __must_check page_type_finish(void);
static inline int __must_check page_type_finish_parked(void)
{
	return page_type_is_parked() ? page_type_finish() : 0;
}

/*
 * Park @pg, a partial table whose mark is to be taken apart; the caller gives one general
 * reference. There are NR_PARKED places: who may drop or refuse more tables than that between two
 * calls of page_type_finish_parked() must look at page_type_is_parked() and stop.
 */
void page_type_park(struct page_info *pg);
