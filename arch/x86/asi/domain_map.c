/* SPDX-License-Identifier: MIT */
/*
 * A domain's frames: how they come, and become its own, and how they go. What is behind the window
 * follows (asi/window_tables.c).
 */
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/cpu_window.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/m2p.h>
#include <asm/page_mark.h>
#include <asm/page_ref.h>
#include <asm/precondition.h>
#include <asm/tlb.h>
#include <asm/window_tables.h>

/* page_lock held: d's list of owned frames. */
static void list_add(struct domain *d, struct page_info *pg)
{
	u32 n = mfn_x(page_mfn(pg));

	ASSERT_LOCKED(&d->page_lock);
	pg->prev = 0;
	pg->next = d->page_list;
	if (d->page_list)
		page_of(_mfn(d->page_list))->prev = n;
	d->page_list = n;
}

static void list_del(struct domain *d, struct page_info *pg)
{
	ASSERT_LOCKED(&d->page_lock);
	if (pg->prev)
		page_of(_mfn(pg->prev))->next = pg->next;
	else
		d->page_list = pg->next;
	if (pg->next)
		page_of(_mfn(pg->next))->prev = pg->prev;
	pg->prev = pg->next = 0;
}

/*
 * page_lock held, the window shows them: 2^order scrubbed frames become d's, with @refs general
 * references beside the allocation's and @type_info, as nobody else can see them before.
 */
static void own_frames(struct domain *d, mfn_t first, unsigned order, u64 refs, u64 type_info)
{
	ASSERT_LOCKED(&d->page_lock);
	if (!__atomic_fetch_add(&d->nr_owned, 1u << order, __ATOMIC_SEQ_CST))
		get_knownalive_domain(d);
	for (u32 i = 0; i < 1u << order; i++) {
		struct page_info *pg = page_of(mfn_add(first, i));

		pg->owner = d->domid;
		pg->type_info = type_info;
		pg->tlb_stamp = 0;
		list_add(d, pg);
		/* Last: from here on page_get() succeeds. The frame was scrubbed under PGC_hv. */
		__atomic_store_n(&pg->count_info, PGC_unshared | refs * PGC_one, __ATOMIC_RELEASE);
	}
}

int domain_assign_pages(struct domain *d, mfn_t first, unsigned order)
{
	u32 nr = 1u << order;
	int rc = -ENOMEM;

	spin_lock(&d->page_lock);
	/* MEM-3: it may have more, but gets none; nor does who dies, who has said so before. */
	if ((u64)d->nr_pages + nr > d->max_pages || READ_ONCE(d->is_dying))
		goto out;
	rc = window_hold(d, first, order);
	if (rc)
		goto out;
	window_map(d, first, order);
	own_frames(d, first, order, 0, PGT_none);
	d->nr_pages += nr;
out:
	spin_unlock(&d->page_lock);
	return rc;
}

int domain_prepare_pages(struct domain *d, mfn_t first, unsigned order)
{
	int rc;

	spin_lock(&d->page_lock);
	rc = window_hold(d, first, order);
	spin_unlock(&d->page_lock);
	return rc;
}

void domain_unprepare_pages(struct domain *d, mfn_t first, unsigned order)
{
	spin_lock(&d->page_lock);
	window_unhold(d, first, order);
	spin_unlock(&d->page_lock);
}

void domain_adopt_pages(struct domain *d, mfn_t first, unsigned order)
{
	spin_lock(&d->page_lock);
	window_map(d, first, order);
	own_frames(d, first, order, 0, PGT_none);
	spin_unlock(&d->page_lock);
}

int domain_prepare_special_page(struct domain *d, mfn_t *m)
{
	*m = page_alloc(ALLOC_DOMAIN, 0, 0);
	if (!mfn_is_valid_num(*m))
		return -ENOMEM;
	if (!domain_prepare_pages(d, *m, 0))
		return 0;
	page_free(ALLOC_DOMAIN, *m, 0);
	return -ENOMEM;
}

void domain_unprepare_special_page(struct domain *d, mfn_t m)
{
	domain_unprepare_pages(d, m, 0);
	page_free(ALLOC_DOMAIN, m, 0);
}

void domain_adopt_special_page(struct domain *d, mfn_t m)
{
	spin_lock(&d->page_lock);
	window_map(d, m, 0);
	own_frames(d, m, 0, 1, PGT_writable | PGT_validated | PGT_special | 1);
	spin_unlock(&d->page_lock);
}

/* @pg was leaving: gets succeed again. */
static void stay(struct page_info *pg)
{
	__atomic_fetch_and(&pg->count_info, ~PGC_leaving, __ATOMIC_RELEASE);
}

/*
 * From now on no get succeeds. False: its owner holds a reference (MEM-4). What others hold is no
 * reason: they never touch it by the owner's window (MEM-5).
 */
static bool leave(struct page_info *pg)
{
	u64 x = READ_ONCE(pg->count_info);

	do {
		if (!(x & PGC_allocated) || (x & (PGC_leaving | PGC_own_mask)))
			return false;
	} while (!__atomic_compare_exchange_n(&pg->count_info, &x, x | PGC_leaving, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

/* page_lock held. */
static int withdraw(struct domain *d, struct page_info *pg)
{
	ASSERT_LOCKED(&d->page_lock);
	if (READ_ONCE(d->is_dying) || pg->owner != d->domid || !leave(pg))
		return -EBUSY;
	if (window_split(d, page_mfn(pg))) {
		stay(pg);
		return -ENOMEM;
	}
	list_del(d, pg);
	return 0;
}

/*
 * page_lock held, @pg withdrawn: out of the window, and parked until the flush that covers it
 * (TLB-3).
 */
static void expel(struct domain *d, struct page_info *pg)
{
	ASSERT_LOCKED(&d->page_lock);
	window_unmap(d, page_mfn(pg));
	pg->next = d->leaving_list;
	d->leaving_list = mfn_x(page_mfn(pg));
}

/* page_lock held, @pg withdrawn: it is not the domain's any more. */
static void give_up(struct domain *d, struct page_info *pg)
{
	ASSERT_LOCKED(&d->page_lock);
	/* Before anybody else can own it. */
	m2p_set(page_mfn(pg), INVALID_M2P);
	expel(d, pg);
	d->nr_pages--;
}

int domain_release_page(struct domain *d, mfn_t m)
{
	struct page_info *pg = page_of(m);
	int rc;

	spin_lock(&d->page_lock);
	rc = withdraw(d, pg);
	if (!rc)
		give_up(d, pg);
	spin_unlock(&d->page_lock);
	return rc;
}

static struct page_info *pop_frame(u32 *list)
{
	struct page_info *pg = page_of(_mfn(*list));

	*list = pg->next;
	return pg;
}

/* page_lock held. */
static int withdraw_to(struct domain *d, mfn_t m, u32 *list)
{
	struct page_info *pg = page_of(m);
	int rc = withdraw(d, pg);

	ASSERT_LOCKED(&d->page_lock);
	/* Its entry is there: no table is made. */
	if (!rc && !window_hold(d, m, 0)) {
		pg->next = *list;
		*list = mfn_x(m);
	}
	return rc;
}

int domain_withdraw_page(struct domain *d, mfn_t m, u32 *list)
{
	int rc;

	spin_lock(&d->page_lock);
	rc = withdraw_to(d, m, list);
	spin_unlock(&d->page_lock);
	return rc;
}

/* page_lock held. */
static void readmit(struct domain *d, u32 *list)
{
	ASSERT_LOCKED(&d->page_lock);
	while (*list) {
		struct page_info *pg = pop_frame(list);

		window_unhold(d, page_mfn(pg), 0);
		list_add(d, pg);
		stay(pg);
	}
}

void domain_readmit_pages(struct domain *d, u32 *list)
{
	spin_lock(&d->page_lock);
	readmit(d, list);
	spin_unlock(&d->page_lock);
}

/* In one go: of a domain that dies meanwhile all of it has left, or none (LIFE-2). */
int domain_release_extent(struct domain *d, mfn_t first, u32 nr)
{
	u32 list = 0;
	int rc = 0;

	spin_lock(&d->page_lock);
	for (u32 i = 0; i < nr && !rc; i++) {
		mfn_t m = mfn_add(first, i);

		rc = mfn_has_page(m) ? withdraw_to(d, m, &list) : -EINVAL;
	}
	if (rc)
		readmit(d, &list);
	while (list) {
		struct page_info *pg = pop_frame(&list);

		window_unhold(d, page_mfn(pg), 0);
		give_up(d, pg);
	}
	spin_unlock(&d->page_lock);
	return rc;
}

void domain_expel_pages(struct domain *d, u32 *list)
{
	spin_lock(&d->page_lock);
	while (*list) {
		struct page_info *pg = pop_frame(list);

		window_unhold(d, page_mfn(pg), 0);
		expel(d, pg);
	}
	spin_unlock(&d->page_lock);
}

/* So many frames of @d's are nobody's any more. With the last one d may go, too. */
static void disown(struct domain *d, u32 nr)
{
	if (nr && !__atomic_sub_fetch(&d->nr_owned, nr, __ATOMIC_SEQ_CST))
		put_domain(d);
}

/*
 * @pg is nobody's, but not free before page_free_scrubbed(): what was left in it is wiped here, not
 * when somebody asks for it (LEAK-2); nor does its next owner get lines that disagree (COH-2).
 */
static void free_frame(struct page_info *pg)
{
	pg->count_info = PGC_hv;
	if (unlikely(pg->type_info & PGT_non_coherent))
		flush_frame_lines(page_mfn(pg));
	scrub_frame(page_mfn(pg));
	page_free_scrubbed(page_mfn(pg));
}

/*
 * The allocations of the list *@n are dropped. What others hold is an orphan from then on, and not
 * ours: it leaves the list. What stays was in nobody's entries before the flush, which comes now;
 * were it to come before, the last put of others could stand between the two. True: one that stays
 * has been shared out.
 */
static bool drop_allocations(u32 *n)
{
	bool shared_out = false;

	while (*n) {
		struct page_info *pg = page_of(_mfn(*n));
		u32 next = pg->next;
		u64 x = READ_ONCE(pg->count_info);

		pg->next = 0;
		/* Not 0, which is free. The owner's go, too, where all of it is discarded. */
		while (!__atomic_compare_exchange_n(&pg->count_info, &x,
						    PGC_leaving | (x & PGC_foreign_mask), false,
						    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			;
		if (x & PGC_foreign_mask) {
			*n = next;
			continue;
		}
		shared_out |= !(x & PGC_unshared);
		pg->next = next;
		n = &pg->next;
	}
	return shared_out;
}

static void free_frames(struct domain *d, u32 n)
{
	u32 nr = 0;

	for (; n; nr++) {
		struct page_info *pg = page_of(_mfn(n));

		n = pg->next;
		free_frame(pg);
	}
	disown(d, nr);
}

void domain_free_orphan(struct page_info *pg)
{
	struct domain *d = page_owner(pg);

	BUG_ON(pg->count_info != PGC_leaving);
	free_frame(pg);
	disown(d, 1);
}

/*
 * Frames that were d's are to be somebody else's: whoever may remember them forgets them; any CPU
 * may, if one was shared out (TLB-9).
 */
static void flush_leaving(const struct domain *d, bool shared_out)
{
	if (shared_out)
		tlb_flush_stamped(NULL, tlb_stamp_now());
	else
		tlb_flush_vcpus(d, ~0ul, ~0ul);
}

void domain_release_flush(struct domain *d)
{
	bool shared_out, any;
	u32 n, tables;

	if (!(READ_ONCE(d->leaving_list) | READ_ONCE(d->window_idle)))
		return;
	/* Taken before the flush: what another vcpu adds meanwhile is not covered by it (TLB-3). */
	spin_lock(&d->page_lock);
	n = d->leaving_list;
	/* Also if all of them become orphans: their owner is not to see them any more. */
	any = n;
	d->leaving_list = 0;
	tables = window_take_idle(d);
	shared_out = drop_allocations(&n);
	/*
	 * Every CPU that runs this domain may hold the window's entry or the guest's own stale
	 * mapping; under the lock, if a table has gone (asm/window_tables.h).
	 */
	if (tables)
		flush_leaving(d, shared_out);
	spin_unlock(&d->page_lock);
	if (!tables && any)
		flush_leaving(d, shared_out);
	window_free_tables(d, tables);
	free_frames(d, n);
}

int domain_name_page(struct domain *d, mfn_t m, pfn_t pfn)
{
	struct page_info *pg = page_of(m);
	int rc = -EINVAL;

	if (!mfn_has_page(m))
		return rc;
	spin_lock(&d->page_lock);
	if (page_is_to_be_had(pg, d)) {
		m2p_set(m, pfn);
		page_mark_dirty(pg);
		rc = 0;
	}
	spin_unlock(&d->page_lock);
	return rc;
}

/* ---- All of them ----------------------------------------------------------------------------- */

#define DISCARD_BATCH 256		/* frames behind one flush */

/* page_lock held. Some of d's frames, which nothing calls by a name any more: a list. */
static u32 take_some(struct domain *d)
{
	u32 first = d->page_list, next = first;
	struct page_info *last = NULL;

	ASSERT_LOCKED(&d->page_lock);
	for (unsigned i = 0; next && i < DISCARD_BATCH; i++) {
		last = page_of(_mfn(next));
		m2p_set(_mfn(next), INVALID_M2P);
		next = last->next;
	}
	if (last)
		last->next = 0;
	if (next)
		page_of(_mfn(next))->prev = 0;
	d->page_list = next;
	return first;
}

/* Whatever use they were put to: what names them goes, too. */
bool domain_discard_some(struct domain *d)
{
	u32 n;

	spin_lock(&d->page_lock);
	ASSERT(!d->leaving_list);
	n = take_some(d);
	d->nr_pages = 0;
	spin_unlock(&d->page_lock);
	/* Who built it may still remember what it mapped of it. */
	if (drop_allocations(&n))
		flush_leaving(d, true);
	free_frames(d, n);
	return READ_ONCE(d->page_list);
}

void domain_discard_pages(struct domain *d)
{
	while (window_clear_some(d))
		;
	while (domain_discard_some(d))
		;
}
