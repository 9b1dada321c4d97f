/* SPDX-License-Identifier: MIT */
/*
 * Pins of grants, in line: one use of an entry by somebody.
 *
 * Locks: the table's, over all of pin and unpin (GNT-2). Where one call needs two tables, as two
 * ends of a copy or a grant and a handle, it has their locks one after the other, and takes the
 * lock once if both are the same.
 */
#pragma once

#include <asm/gnttab.h>
#include <asm/mapcache.h>
#include <asm/p2m.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/window.h>
#include <isola/nospec.h>
#include <isola/vcpu.h>

#define GRANT_CMPXCHG_TRIES 16		/* CON-3: the word is shared with the guest */

/* From the lock of @held's table to that of @d's; nothing, where both are known to be one. */
static __always_inline void gnttab_pass_lock(const struct domain *held, const struct domain *d)
{
	if (unlikely(held != d)) {
		spin_unlock(&held->grants->lock);
		spin_lock(&d->grants->lock);
	}
}

/*
 * Entry @ref (in range) of a shared table: by the window if its domain is @loaded, else by the
 * mapcache.
 */
static __always_inline struct grant_entry_v1 *gnttab_map_entry(const struct grant_table *t, u32 ref,
							bool loaded)
{
	mfn_t m = t->frame[ref / GNTTAB_REFS_PER_FRAME];
	struct grant_entry_v1 *page = loaded ? window_ptr(m) : map_domain_page(m);

	return &page[ref % GNTTAB_REFS_PER_FRAME];
}

static __always_inline void gnttab_unmap_entry(const struct grant_entry_v1 *e, bool loaded)
{
	if (!loaded)
		unmap_domain_page(e);
}

/*
 * A reference of the current domain's, @d, on frame @m of @rd's. False: it is none, or cannot be
 * had. (@d by argument: a caller that knows the two to be one has the question answered.)
 */
static __always_inline bool __must_check gnttab_get_frame(const struct domain *d,
							  const struct domain *rd, mfn_t m)
{
	if (unlikely(!mfn_has_page(m)))
		return false;
	return likely(rd == d) ? page_get(page_of(m), rd)
			       : page_get_foreign(page_of(m), rd);
}

static __always_inline void gnttab_put_frame(const struct domain *d, const struct domain *rd,
					     mfn_t m)
{
	if (likely(rd == d))
		page_put(page_of(m));
	else
		page_put_foreign(page_of(m));
}

static inline struct grant_pins *gnttab_pins(const struct grant_table *t, u32 ref)
{
	return &t->pins[ref / GNTTAB_REFS_PER_FRAME][ref % GNTTAB_REFS_PER_FRAME];
}

/*
 * Tell the granter that its frame is in use. flags and domid are one 32-bit word and change
 * together, so the grant that was checked is the one that is marked.
 */
static __always_inline s16 gnttab_mark(struct grant_entry_v1 *e, const struct domain *user,
				       bool write)
{
	u32 *word = (u32 *)e, old = READ_ONCE(*word);

	for (unsigned i = 0; i < GRANT_CMPXCHG_TRIES; i++) {
		u16 flags = old;
		u32 mark = GTF_reading | (write ? GTF_writing : 0);

		if ((flags & GTF_type_mask) != GTF_permit_access || old >> 16 != user->domid)
			return GNTST_general_error;
		if (write && (flags & GTF_readonly))
			return GNTST_general_error;
		if (__atomic_compare_exchange_n(word, &old, old | mark, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/* One locked AND, of the flags alone: the rest is the guest's. */
static inline void gnttab_unmark(struct grant_entry_v1 *e, u16 flags)
{
	__atomic_and_fetch(&e->flags, (u16)~flags, __ATOMIC_SEQ_CST);
}

/* @ref is in range. @by_gfn: that is what the entry names. */
static __always_inline s16 gnttab_pin_one(struct grant_table *t, u32 ref,
					  const struct domain *user, bool write,
					  mfn_t *m, bool loaded, bool by_gfn)
{
	struct grant_pins *p = gnttab_pins(t, ref);
	bool pinned = p->readers | p->writers;
	struct grant_entry_v1 *e;
	s16 status;

	ASSERT_LOCKED(&t->lock);
	/* Whatever the entry says now: it is lent to one domain at a time. */
	if (unlikely(pinned) && unlikely(p->domid != user->domid))
		return GNTST_general_error;
	e = gnttab_map_entry(t, ref, loaded);
	status = gnttab_mark(e, user, write);
	if (likely(status == GNTST_okay)) {
		/* The first pin reads the frame; later ones keep to it. */
		if (!pinned) {
			p->mfn = READ_ONCE(e->frame);
			if (by_gfn)
				p->mfn = mfn_x(p2m_lookup(t->p2m, _gfn(p->mfn)));
			p->domid = user->domid;
		}
		*m = _mfn(p->mfn);
		if (write)
			p->writers++;
		else
			p->readers++;
	}
	gnttab_unmap_entry(e, loaded);
	return status;
}

/* Entry @ref that is out of range, or of a table whose entries name gfns. */
s16 __must_check gnttab_pin_other(struct grant_table *t, u32 ref, const struct domain *user,
				  bool write, mfn_t *m, bool loaded);

static __always_inline s16 gnttab_pin_entry(struct grant_table *t, u32 ref,
					    const struct domain *user, bool write,
					    mfn_t *m, bool loaded)
{
	if (unlikely(ref >= t->nr_mfn_refs)) {
		mfn_t found = INVALID_MFN;      /* in memory; *m stays in a register */
		s16 status = gnttab_pin_other(t, ref, user, write, &found, loaded);

		*m = found;
		return status;
	}
	return gnttab_pin_one(t, index_nospec(ref, t->nr_mfn_refs), user, write, m, loaded, false);
}

static __always_inline void gnttab_uncount(struct grant_pins *p, bool write)
{
	if (write)
		p->writers--;
	else
		p->readers--;
}

static __always_inline void gnttab_unpin_entry(struct grant_table *t, u32 ref, bool write,
					       bool loaded)
{
	struct grant_pins *p = gnttab_pins(t, ref);
	struct grant_entry_v1 *e = gnttab_map_entry(t, ref, loaded);

	ASSERT_LOCKED(&t->lock);
	gnttab_uncount(p, write);
	if (!p->writers)
		gnttab_unmark(e, p->readers ? GTF_writing : GTF_writing | GTF_reading);
	gnttab_unmap_entry(e, loaded);
}

/* The same for a table whose domain is not loaded, and may be dying. */
s16 __must_check gnttab_pin_foreign(struct grant_table *t, u32 ref, const struct domain *user,
				    bool write, mfn_t *m);
void gnttab_unpin_foreign(struct grant_table *t, u32 ref, bool write);

/*
 * Pin entry @ref of @rd for @d, the current domain, to write or only to read. GNTST_okay, or a
 * status for the guest and nothing has changed. The frame itself is not referenced yet. Locks:
 * @rd's table, held.
 */
static __always_inline s16 __must_check gnttab_pin(struct domain *rd, u32 ref,
						   const struct domain *d, bool write, mfn_t *m)
{
	return likely(rd == d) ? gnttab_pin_entry(rd->grants, ref, d, write, m, true)
			       : gnttab_pin_foreign(rd->grants, ref, d, write, m);
}

static __always_inline void gnttab_unpin(struct domain *rd, u32 ref, const struct domain *d,
					 bool write)
{
	if (likely(rd == d))
		gnttab_unpin_entry(rd->grants, ref, write, true);
	else
		gnttab_unpin_foreign(rd->grants, ref, write);
}
