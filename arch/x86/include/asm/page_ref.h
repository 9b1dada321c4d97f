/* SPDX-License-Identifier: MIT */
/*
 * General references: they keep a frame allocated to its owner, or an orphan from being free. One
 * holder kind each, listed in frametable.h. All by atomic operations on count_info; no locks.
 *
 * The owner's own references say that the frame may be touched through the owner's window: while
 * there is one it does not leave. Others' do not keep it there (MEM-5).
 */
#pragma once

#include <asm/frametable.h>
#include <isola/domain.h>
#include <isola/printk.h>

/*
 * As a signed number a count_info is below this exactly when the frame is allocated and not shared
 * out, neither leaving nor the hypervisor's, and the count not at its maximum: one comparison asks
 * all five.
 */
#define PGC_GET_LIMIT ((s64)(PGC_unshared | PGC_own_mask))

static_assert(PGC_unshared == 1ul << 63 && (PGC_own_mask & PGC_one),
	      "unshared is the sign; the owner's count is the lowest field");
static_assert(PGC_shared_out > PGC_foreign_mask && PGC_leaving > PGC_own_mask &&
		      PGC_hv > PGC_own_mask && PGC_foreign_one > PGC_own_mask,
	      "what makes a get ask, or fail, is above it");

/* What the functions below do where the frame is not as it mostly is. */
bool __must_check page_get_asking(struct page_info *pg, const struct domain *d);
void page_put_asking(struct page_info *pg);
void page_put_check(const struct page_info *pg);

/*
 * Take a reference on @pg for its owner @d, if it is allocated to it and not leaving. False: not
 * its, free, leaving, the hypervisor's own, or the count is at its maximum (TYP-6). Nothing has
 * changed then.
 */
static inline void page_put(struct page_info *pg);
static inline bool __must_check page_get(struct page_info *pg, const struct domain *d)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (unlikely((s64)x >= PGC_GET_LIMIT))
			return page_get_asking(pg, d);
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

/* One more of the owner's references on a frame that it already holds one on. */
void page_get_again(struct page_info *pg);

/* Of a frame that is not shared out. False: it is, ask. */
static __always_inline bool page_put_unshared(struct page_info *pg)
{
	if (unlikely((s64)READ_ONCE(pg->count_info) >= 0))
		return false;
	/*
	 * The allocation's reference is in no count, and not ours to drop: below 0 the sign goes
	 * with it. So it does where the frame has been shared out meanwhile.
	 */
	if (unlikely((s64)__atomic_sub_fetch(&pg->count_info, PGC_one, __ATOMIC_SEQ_CST) >= 0))
		page_put_check(pg);
	return true;
}

/*
 * Drop one that page_get() has taken. The allocation goes by domain_free_frames() only, so this
 * never frees.
 */
static inline void page_put(struct page_info *pg)
{
	if (unlikely(!page_put_unshared(pg)))
		page_put_asking(pg);
}

/*
 * Take a reference on @pg, @owner's, for another domain: from now on it is shared out. Refused as
 * by page_get().
 */
bool __must_check page_get_foreign(struct page_info *pg, const struct domain *owner);
/*
 * Drop one. The last of an orphan: it waits for this CPU to free it (asi/orphan.c), before whatever
 * guest runs here next.
 */
void page_put_foreign(struct page_info *pg);

/* The reference of an entry, or of what stands for one, which @d has on @pg: either kind. */
void page_put_asking_whose(struct page_info *pg, const struct domain *d);
static __always_inline void page_put_of(struct page_info *pg, const struct domain *d)
{
	if (unlikely(!page_put_unshared(pg)))
		page_put_asking_whose(pg, d);
}

/* Is @pg, which something of d's may hold a reference on, allocated to @d, and not shared out? */
static inline bool page_is_of(const struct page_info *pg, const struct domain *d)
{
	return (s64)READ_ONCE(pg->count_info) < 0 && READ_ONCE(pg->owner) == d->domid;
}

/* May a frame with this count_info get another reference, but for a count at its maximum? */
static inline bool count_is_to_be_had(u64 x)
{
	return (x & PGC_allocated) && !(x & (PGC_leaving | PGC_hv));
}

/*
 * Is @pg a frame of @d's that it could have a reference on? For who takes none: it may leave at
 * once, unless @d's page_lock is held.
 */
static inline bool page_is_to_be_had(const struct page_info *pg, const struct domain *d)
{
	return count_is_to_be_had(READ_ONCE(pg->count_info)) && READ_ONCE(pg->owner) == d->domid;
}

/* Has a domain that is not its owner used @pg since it was allocated? Orphans: yes. */
static inline bool page_is_shared_out(const struct page_info *pg)
{
	return (s64)READ_ONCE(pg->count_info) >= 0;
}

/*
 * Owner of an allocated frame, or of an orphan the last one; NULL for free, I/O or hypervisor
 * frames. Stable only while a reference is held.
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
