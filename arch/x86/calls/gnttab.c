/* SPDX-License-Identifier: MIT */
/*
 * The table itself: its frames, its entries, their pins.
 */
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <isola/vcpu.h>

#define CMPXCHG_TRIES 16		/* CON-3: the word is shared with the guest */

static_assert(GNTTAB_REFS_PER_FRAME == 512, "eight bytes an entry");

/* Lock held. What frame @i of the table will need, all or nothing of it. */
static int prepare_frame(struct domain *d, u32 i)
{
	struct grant_table *t = d->grants;

	ASSERT_LOCKED(&t->lock);
	/* public: grant pins */
	t->pins[i] = public_alloc(GNTTAB_REFS_PER_FRAME * sizeof(*t->pins[i]));
	if (!t->pins[i])
		return -ENOMEM;
	if (!domain_prepare_special_page(d, &t->frame[i]))
		return 0;
	public_free(t->pins[i]);
	return -ENOMEM;
}

static void unprepare_frame(struct domain *d, u32 i)
{
	domain_unprepare_special_page(d, d->grants->frame[i]);
	public_free(d->grants->pins[i]);
}

/* Lock held. Beyond nr_frames nobody looks: the frames come all at once, or not at all. */
static int grow(struct domain *d, u32 nr_frames)
{
	struct grant_table *t = d->grants;
	u32 i;

	ASSERT_LOCKED(&t->lock);
	for (i = t->nr_frames; i < nr_frames; i++)
		if (prepare_frame(d, i))
			goto unprepare;
	while (t->nr_frames < nr_frames)
		domain_adopt_special_page(d, t->frame[t->nr_frames++]);
	return 0;
unprepare:
	while (i-- > t->nr_frames)
		unprepare_frame(d, i);
	return -ENOMEM;
}

int gnttab_grow(struct domain *d, u32 nr_frames)
{
	int rc;

	if (nr_frames > GNTTAB_MAX_FRAMES)
		return -EINVAL;
	spin_lock(&d->grants->lock);
	rc = grow(d, nr_frames);
	spin_unlock(&d->grants->lock);
	if (rc)
		domain_release_flush(d);
	return rc;
}

int gnttab_create(struct domain *d)
{
	struct grant_table *t = public_alloc(sizeof(*t)); /* public: grant tables */
	int rc;

	if (!t)
		return -ENOMEM;
	spin_lock_init(&t->lock, LOCK_GRANT);
	d->grants = t;
	rc = gnttab_grow(d, 1);
	if (rc)
		gnttab_destroy(d);
	return rc;
}

void gnttab_destroy(struct domain *d)
{
	struct grant_table *t = d->grants;

	if (!t)
		return;
	for (u32 i = 0; i < t->nr_frames; i++)
		public_free(t->pins[i]);
	public_free(t->handles);
	public_free(t);
	d->grants = NULL;
}

/*
 * Entry @ref (in range) of a shared table: by the window if its domain is @loaded, else by the
 * mapcache.
 */
static __always_inline struct grant_entry_v1 *map_entry(const struct grant_table *t, u32 ref,
							bool loaded)
{
	mfn_t m = t->frame[ref / GNTTAB_REFS_PER_FRAME];
	struct grant_entry_v1 *page = loaded ? window_ptr(m) : map_domain_page(m);

	return &page[ref % GNTTAB_REFS_PER_FRAME];
}

static __always_inline void unmap_entry(const struct grant_entry_v1 *e, bool loaded)
{
	if (!loaded)
		unmap_domain_page(e);
}

static struct grant_pins *pins_of(const struct grant_table *t, u32 ref)
{
	return &t->pins[ref / GNTTAB_REFS_PER_FRAME][ref % GNTTAB_REFS_PER_FRAME];
}

/*
 * Tell the granter that its frame is in use. flags and domid are one 32-bit word and change
 * together, so the grant that was checked is the one that is marked.
 */
static __always_inline s16 mark_in_use(struct grant_entry_v1 *e, const struct domain *user,
				       bool write)
{
	u32 *word = (u32 *)e, old = READ_ONCE(*word);

	for (unsigned i = 0; i < CMPXCHG_TRIES; i++) {
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
static void clear_in_use(struct grant_entry_v1 *e, u16 flags)
{
	__atomic_and_fetch(&e->flags, (u16)~flags, __ATOMIC_SEQ_CST);
}

static __always_inline s16 pin(struct grant_table *t, u32 ref, const struct domain *user,
			       bool write, mfn_t *m, bool loaded)
{
	struct grant_entry_v1 *e;
	struct grant_pins *p;
	s16 status;

	spin_lock(&t->lock);
	status = GNTST_bad_gntref;
	if (unlikely(ref >= t->nr_frames * GNTTAB_REFS_PER_FRAME))
		goto out;
	ref = index_nospec(ref, t->nr_frames * GNTTAB_REFS_PER_FRAME);
	p = pins_of(t, ref);
	e = map_entry(t, ref, loaded);
	status = mark_in_use(e, user, write);
	if (likely(status == GNTST_okay)) {
		/* The first pin reads the frame; later ones keep to it. */
		if (!p->readers && !p->writers)
			p->mfn = READ_ONCE(e->frame);
		*m = _mfn(p->mfn);
		if (write)
			p->writers++;
		else
			p->readers++;
	}
	unmap_entry(e, loaded);
out:
	spin_unlock(&t->lock);
	return status;
}

static __always_inline void unpin(struct grant_table *t, u32 ref, bool write, bool loaded)
{
	struct grant_pins *p = pins_of(t, ref);
	struct grant_entry_v1 *e;

	spin_lock(&t->lock);
	if (write)
		p->writers--;
	else
		p->readers--;
	e = map_entry(t, ref, loaded);
	if (!p->writers)
		clear_in_use(e, p->readers ? GTF_writing : GTF_writing | GTF_reading);
	unmap_entry(e, loaded);
	spin_unlock(&t->lock);
}

/* Of a domain that is not loaded: apart, since these call functions and the others do not. */
static __noinline s16 pin_foreign(struct grant_table *t, u32 ref, const struct domain *user,
				  bool write, mfn_t *m)
{
	return pin(t, ref, user, write, m, false);
}

static __noinline void unpin_foreign(struct grant_table *t, u32 ref, bool write)
{
	unpin(t, ref, write, false);
}

s16 gnttab_pin(struct domain *rd, u32 ref, const struct domain *user, bool write, mfn_t *m)
{
	return likely(rd == current->domain) ? pin(rd->grants, ref, user, write, m, true)
					     : pin_foreign(rd->grants, ref, user, write, m);
}

void gnttab_unpin(struct domain *rd, u32 ref, bool write)
{
	if (likely(rd == current->domain))
		unpin(rd->grants, ref, write, true);
	else
		unpin_foreign(rd->grants, ref, write);
}
