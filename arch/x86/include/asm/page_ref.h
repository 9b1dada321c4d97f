/* SPDX-License-Identifier: MIT */
/*
 * General references: they keep a frame allocated to its owner. One holder kind each, listed in
 * frametable.h. All by atomic operations on count_info; no locks.
 */
#pragma once

#include <asm/frametable.h>
#include <isola/domain.h>
#include <isola/printk.h>

/*
 * As a signed number a count_info is below this exactly when the frame is allocated, neither
 * leaving nor the hypervisor's, and the count not at its maximum: one comparison asks all four.
 */
#define PGC_GET_LIMIT ((s64)(PGC_allocated | PGC_count_mask))

static_assert(PGC_allocated == 1ul << 63 && PGC_leaving > PGC_count_mask && PGC_hv > PGC_count_mask,
	      "allocated is the sign; what makes a get fail is above the count");
static_assert(PGC_shared_out < PGC_one && (PGC_count_mask & (PGC_one | PGC_shared_out)) == PGC_one,
	      "what does not is below it");

/*
 * Take a reference on @pg if it is allocated to @d and not leaving. False: not its, free, leaving,
 * the hypervisor's own, or the count is at its maximum (TYP-6). Nothing has changed then.
 */
static inline void page_put(struct page_info *pg);
static inline bool __must_check page_get(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (unlikely((s64)x >= PGC_GET_LIMIT))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&pg->count_info, &x, x + PGC_one, false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)));
	if (likely(READ_ONCE(pg->owner) == d->domid))
		return true;
	page_put(pg);
	return false;
}

/* The same from a number a guest gave: also false (NULL) when there is no such frame. */
static inline struct page_info *__must_check page_get_from_mfn(mfn_t m, const struct domain *d)
{
	return likely(mfn_has_page(m)) && likely(page_get(page_of(m), d)) ? page_of(m) : NULL;
}

/* One more reference on a frame the caller already holds one on. */
void page_get_again(struct page_info *pg);

/*
 * Drop a reference. The allocation reference itself goes by domain_free_page() only, so this never
 * frees.
 */
static inline void page_put(struct page_info *pg)
{
	u64 old = __atomic_fetch_sub(&pg->count_info, PGC_one, __ATOMIC_SEQ_CST);

	/*
	 * The allocation reference is not ours to drop, and goes only when it is the last (MEM-4).
	 */
	BUG_ON(!(old & (PGC_count_mask ^ PGC_one)));
}

/* Is @pg, which something of d's may hold a reference on, allocated to @d? */
static inline bool page_is_of(const struct page_info *pg, const struct domain *d)
{
	return (s64)READ_ONCE(pg->count_info) < 0 && READ_ONCE(pg->owner) == d->domid;
}

/* Has a domain that is not its owner used @pg since it was allocated? */
static inline bool page_is_shared_out(const struct page_info *pg)
{
	return READ_ONCE(pg->count_info) & PGC_shared_out;
}

/*
 * Another domain than its owner is about to use @pg, which the caller holds a general reference on:
 * before an entry that names it can be seen, and before a type reference taken for it is dropped
 * (TLB-9).
 */
void page_share_out(struct page_info *pg);

/*
 * Owner of an allocated frame, NULL for free, I/O or hypervisor frames. Stable only while a
 * reference is held.
 */
struct domain *page_owner(const struct page_info *pg);

/*
 * Is @m no RAM at all: no frame record, or one that says "device or firmware" for ever? Such frames
 * are never counted. The answer never changes after boot, so what was mapped without a reference is
 * unmapped without one.
 */
static inline bool is_io_frame(mfn_t m)
{
	return unlikely(!mfn_has_page(m)) || unlikely(READ_ONCE(page_of(m)->owner) == DOMID_IO);
}
