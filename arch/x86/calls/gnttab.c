/* SPDX-License-Identifier: MIT */
/*
 * The table itself: its frames, its entries, their pins.
 */
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/privilege.h>
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/gnttab_pin.h>
#include <asm/hvm_domain.h>
#include <asm/precondition.h>

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
	t->nr_mfn_refs = t->p2m ? 0 : t->nr_frames * GNTTAB_REFS_PER_FRAME;
	return 0;
unprepare:
	while (i-- > t->nr_frames)
		unprepare_frame(d, i);
	return -ENOMEM;
}

int gnttab_grow(struct domain *d, u32 nr_frames)
{
	int rc;

	if (nr_frames > d->grants->max_frames)
		return -EINVAL;
	spin_lock(&d->grants->lock);
	rc = d->grants->closed ? -EINVAL : grow(d, nr_frames);
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
	t->max_frames = GNTTAB_MAX_FRAMES;
	t->max_handles = is_control_domain(d) ? GNTTAB_MAX_CONTROL_HANDLES : GNTTAB_MAX_HANDLES;
	t->p2m = d->hvm ? &d->hvm->p2m : NULL;
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

/* ---- Pins apart: these call functions, the others do not ------------------------------------- */

s16 gnttab_pin_other(struct grant_table *t, u32 ref, const struct domain *user, bool write,
		     mfn_t *m, bool loaded)
{
	u32 nr_refs = t->nr_frames * GNTTAB_REFS_PER_FRAME;

	if (ref >= nr_refs)
		return GNTST_bad_gntref;
	ASSERT(t->p2m);
	return gnttab_pin_one(t, index_nospec(ref, nr_refs), user, write, m, loaded, true);
}

s16 gnttab_pin_foreign(struct grant_table *t, u32 ref, const struct domain *user, bool write,
		       mfn_t *m)
{
	return t->closed ? GNTST_bad_domain : gnttab_pin_entry(t, ref, user, write, m, false);
}

void gnttab_unpin_foreign(struct grant_table *t, u32 ref, bool write)
{
	if (t->closed)
		gnttab_uncount(gnttab_pins(t, ref), write);
	else
		gnttab_unpin_entry(t, ref, write, false);
}
