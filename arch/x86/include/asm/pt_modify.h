/* SPDX-License-Identifier: MIT */
/*
 * Changing one entry of a guest page table: check, take the new entry's references, swap, drop the
 * old one's. PTE-1..5. Used by mmu_update, update_va_mapping and the emulation of direct writes
 * alike.
 */
#pragma once

#include <asm/pgentry.h>
#include <asm/pt_check.h>
#include <asm/frametable.h>
#include <asm/root.h>
#include <isola/domain.h>

enum pt_preserve {
	PT_REPLACE,
	PT_PRESERVE_AD,                 /* A and D of the old entry are kept, atomically */
};

/*
 * What a batch of updates owes, gathered entry by entry and paid once, by pt_batch_end(), on every
 * way out: success, error, preemption. All zero: nothing. Entries that were refused add nothing.
 */
struct pt_batch {
	struct root_debt roots;
	/* an L4 entry named it; its references are dropped after the dispatch */
	struct page_info *old_l3;
	bool any_l4;                    /* roots may hold something */
	/* a present entry above L1 was replaced: guests count on this CPU forgetting it */
	bool flush_here;
};

/*
 * Roots first, then this CPU's TLB, then the references: the end of the batch, or, when a second L4
 * entry is to be dropped, its middle. No page lock held by the caller is needed; what is dropped
 * may be parked.
 */
void pt_batch_end(struct pt_batch *batch);

/*
 * Replace the entry @pe (inside @table, a frame of current's domain typed l<level>, type reference
 * and page lock held) by @ne, a guest's value. @pg_owner owns the frames that @ne may name.
 * Returns 0; -EINVAL, -EPERM, -EBUSY, -EAGAIN (accessed/dirty bits kept changing); -ERESTART,
 * -EINTR: again, after a preemption point. Nothing has changed on error, but that -ERESTART has
 * left progress in a lower table.
 * Effects: what the old entry named may be parked: page_type_finish_parked() before the next
 * operation. What is owed to roots and TLBs is added to *batch (may be NULL at level 1).
 */
int __must_check pt_modify(struct domain *pg_owner, struct page_info *table, unsigned level,
			   pte_t *pe, pte_t ne, enum pt_preserve preserve, struct pt_batch *batch);

/*
 * The same at level 1 if the entry is still exactly *@expected: what an emulated atomic instruction
 * needs.
 * -EAGAIN: it is not, *@expected is what is there now.
 */
int __must_check pt_modify_expected(struct domain *pg_owner, struct page_info *table,
				    unsigned level, pte_t *pe, pte_t *expected, pte_t ne);

/*
 * The L1 entry that maps @va in the current guest kernel's tables, or NULL; *@table gets its frame,
 * with a general reference for the caller to put. The entry may be read; to change it,
 * page_lock_table(*table) must return 1 first. Any guest address, user ones too (the kernel table
 * holds them). Interrupts on or off; on the kernel root.
 */
pte_t *__must_check pt_walk_l1e(u64 va, struct page_info **table);

/*
 * As pt_walk_l1e(), and type reference and page lock on an l1 table taken: give back by
 * pt_unlock_l1e().
 */
pte_t *__must_check pt_lock_l1e(u64 va, struct page_info **table);
void pt_unlock_l1e(struct page_info *table);
