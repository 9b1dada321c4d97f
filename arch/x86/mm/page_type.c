/* SPDX-License-Identifier: MIT */
/*
 * Taking and dropping a type, whatever it costs: the type word (type_word.c) and, for tables, the
 * walk over what they name (pt_validate.c).
 */
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_validate.h>
#include <asm/type_word.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/printk.h>

/* @d owns @pg. */
static int get_type(struct domain *d, struct page_info *pg, u64 type)
{
	int rc;

	if (!type_level(type))
		return page_type_take_leaf(d, pg, type);
	rc = page_type_take(d, pg, type);
	return rc == TAKEN_TO_VALIDATE ? pt_validate(d, pg) : rc;
}

int page_type_get(struct page_info *pg, u64 type)
{
	if (likely(page_type_get_live(pg, type)))
		return 0;
	return get_type(page_owner(pg), pg, type);
}

void page_type_put(struct page_info *pg)
{
	if (!page_type_drop(pg))
		return;
	if (!type_level(READ_ONCE(pg->type_info))) {
		page_type_end(pg);
	} else if (pt_devalidate(page_owner(pg), pg)) {
		page_get_again(pg);
		page_type_park(pg);
	}
}

int page_type_get_or_put(struct page_info *pg, struct domain *d, u64 type)
{
	int rc = get_type(d, pg, type);

	if (rc)
		page_put(pg);
	return rc;
}

int page_pin(struct domain *d, mfn_t m, u64 type)
{
	struct page_info *pg = page_get_from_mfn(m, d);
	int rc;

	if (!pg)
		return -EINVAL;
	rc = get_type(d, pg, type);
	if (rc) {
		page_put(pg);
		return rc == -EBUSY ? -EINVAL : rc;
	}
	if (__atomic_fetch_or(&pg->type_info, PGT_pinned, __ATOMIC_SEQ_CST) & PGT_pinned) {
		page_put_and_type(pg);
		return -EINVAL;
	}
	return 0;
}

int page_unpin(struct domain *d, mfn_t m)
{
	struct page_info *pg = page_get_from_mfn(m, d);
	bool was_pinned;

	if (!pg)
		return -EINVAL;
	was_pinned = __atomic_fetch_and(&pg->type_info, ~PGT_pinned, __ATOMIC_SEQ_CST) & PGT_pinned;
	if (was_pinned && page_type_put_live(pg)) {
		page_mark_dirty(pg);		/* the last put does so itself */
		page_put(pg);
	} else if (was_pinned) {
		page_put_and_type(pg);
	}
	page_put(pg);
	return was_pinned ? 0 : -EINVAL;
}

static void unlock(struct page_info *pg)
{
	u64 old = __atomic_fetch_and(&pg->type_info, ~PGT_locked, __ATOMIC_SEQ_CST);

	BUG_ON(!(old & PGT_locked));
}

void page_unlock_table_last(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->type_info);

	while ((x & PGT_count_mask) > 1) {
		if (page_type_swap(pg, x, (x - 1) & ~PGT_locked))
			return;
		x = READ_ONCE(pg->type_info);
	}
	unlock(pg);
	page_type_put(pg);
}

/*
 * Its partial mark is gone: another vcpu has taken the table over, and the parking's own is left.
 */
static int finish(mfn_t *place)
{
	struct page_info *pg = page_of(*place);
	int rc;

	if (page_type_steal(pg, READ_ONCE(pg->type_info) & PGT_type_mask)) {
		page_put(pg);			/* the mark's; the parking holds its own */
		rc = pt_devalidate(page_owner(pg), pg);
		if (rc)
			return rc;
	}
	*place = INVALID_MFN;
	page_put(pg);
	return 0;
}

/* The first place last: it alone is looked at by page_type_is_parked(). */
int page_type_finish(void)
{
	mfn_t *place = page_type_parking();
	int rc = 0;

	for (unsigned i = NR_PARKED; i-- && !rc; )
		if (mfn_is_valid_num(place[i]))
			rc = finish(&place[i]);
	return rc;
}
