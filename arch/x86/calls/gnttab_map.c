/* SPDX-License-Identifier: MIT */
/*
 * Mapping a granted frame, and unmapping it by handle.
 *
 * What each part holds (GNT-1): the entry in the mapper's page table holds what any entry of its
 * kind does (pt_modify takes and drops it); the handle holds the pin, one general and, writable,
 * one type reference of its own, from the map until no mapping is left *and* the mapper's CPUs have
 * been flushed (TLB-3, TLB-5). So the frame keeps its owner and its use, and the granter sees it in
 * use, for as long as a CPU may reach it through what the handle stood for, also if the guest has
 * overwritten the entry itself.
 */
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <asm/gnttab.h>
#include <asm/gnttab_list.h>
#include <asm/gnttab_pin.h>
#include <asm/guest_flush.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/window.h>
#include <isola/vcpu.h>

#define MAPPED	GNTTAB_MAPPED
#define HELD_FLAGS (MAPPED | GNTMAP_readonly | GNTMAP_contains_pte)
#define HANDLE_BUSY	0x8000u		/* a map or unmap of it is under way on some vcpu */
#define AVAIL_SHIFT	16		/* _GNTMAP_guest_avail0 */

/* ---- Handles: under the lock of the mapping domain's table, held by the caller. -------------- */

/* None has been given back: one that has not been used yet, or -1. */
static __noinline s32 handle_new(struct grant_table *t)
{
	if (!t->handles) {
		/* public: grant handles */
		t->handles = public_alloc(t->max_handles * sizeof(*t->handles));
		if (!t->handles)
			return -1;
	}
	return t->nr_handles < t->max_handles ? (s32)t->nr_handles++ : -1;
}

/* A free handle, busy until handle_publish() or handle_free(). Returns its number, or -1. */
static __always_inline s32 handle_alloc(struct grant_table *t)
{
	s32 n;

	ASSERT_LOCKED(&t->lock);
	if (likely(t->free_handle)) {
		n = t->free_handle - 1;
		t->free_handle = t->handles[n].ref;
	} else {
		n = handle_new(t);
		if (n < 0)
			return n;
	}
	t->handles[n].flags = HANDLE_BUSY;
	return n;
}

/*
 * A busy handle becomes @h. Without the lock: nobody else touches a busy one, and its flags,
 * written last, say that it is none any more.
 */
static __always_inline void handle_publish(struct grant_table *t, u32 n,
					   const struct grant_handle *h)
{
	struct grant_handle *to = &t->handles[n];

	to->mfn = h->mfn;
	to->ref = h->ref;
	to->granter = h->granter;
	barrier();
	WRITE_ONCE(to->flags, h->flags);
}

/* A busy handle becomes free. */
static __always_inline void handle_free(struct grant_table *t, u32 n)
{
	ASSERT_LOCKED(&t->lock);
	t->handles[n] = (struct grant_handle){ .ref = t->free_handle };
	t->free_handle = n + 1;
}

/* ---- The page-table entry -------------------------------------------------------------------- */

/* lock_entry() by an entry's machine address. */
static __noinline pte_t *lock_entry_at(u64 host_addr, struct page_info **table)
{
	struct page_info *pg;

	if (host_addr & 7)
		return NULL;
	pg = page_get_from_mfn(maddr_to_mfn(host_addr), current->domain);
	if (!pg)
		return NULL;
	switch (page_lock_table(pg)) {
	case 1:
		*table = pg;
		return (pte_t *)((char *)window_ptr(page_mfn(pg)) + (host_addr & ~PAGE_MASK));
	default:
		page_unlock_table(pg);
		/* fallthrough */
	case 0:
		page_put(pg);
		return NULL;
	}
}

/*
 * The locked L1 entry that @host_addr means: a linear address of the caller, or (contains_pte) the
 * entry's machine address.
 */
static __always_inline pte_t *lock_entry(u64 host_addr, bool contains_pte,
					 struct page_info **table)
{
	return likely(!contains_pte) ? pt_lock_l1e(host_addr, table)
				     : lock_entry_at(host_addr, table);
}

static __always_inline pte_t grant_entry(mfn_t m, u32 flags)
{
	u64 avail = flags >> AVAIL_SHIFT & 7;

	return pte_make(m, PTE_P | PTE_A | PTE_NX | avail << 9 |
				   (flags & GNTMAP_readonly ? 0 : PTE_RW | PTE_D));
}

static __always_inline s16 set_entry(struct domain *rd, u64 host_addr, u32 flags, mfn_t m)
{
	struct page_info *table;
	pte_t *pe = lock_entry(host_addr, flags & GNTMAP_contains_pte, &table);
	int rc;

	if (!pe)
		return GNTST_general_error;
	rc = likely(rd == current->domain)
		     ? pt_replace_l1e(rd, pe, grant_entry(m, flags))
		     : pt_modify(rd, 1, pe, grant_entry(m, flags), PT_REPLACE, NULL);
	pt_unlock_l1e(table);
	return rc ? GNTST_general_error : GNTST_okay;
}

/* Is @e what the handle's mapping made: present, same frame, same writability (GNT-4)? */
static __always_inline bool is_grant_of(const struct grant_handle *h, pte_t e)
{
	return pte_present(e) && mfn_x(pte_mfn(e)) == h->mfn &&
	       !(e & PTE_RW) == !!(h->flags & GNTMAP_readonly);
}

/*
 * Replace the entry by @ne if it still is what the handle made of it. Nothing changes otherwise.
 */
static __always_inline s16 clear_entry(const struct grant_handle *h, u64 host_addr,
				       bool contains_pte, pte_t ne)
{
	struct page_info *table;
	pte_t *pe = lock_entry(host_addr, contains_pte, &table), e;
	s16 status = GNTST_general_error;

	if (!pe)
		return status;
	e = pte_read(pe);
	/*
	 * The processor may set A and D under us, once each (CON-3); every time the entry is judged
	 * anew.
	 */
	for (unsigned i = 0; i < 3 && is_grant_of(h, e); i++) {
		int rc = pt_expect_l1e(current->domain, pe, &e, ne);

		status = rc ? GNTST_general_error : GNTST_okay;
		if (rc != -EAGAIN)
			break;
	}
	pt_unlock_l1e(table);
	return status;
}

/* ---- Map ------------------------------------------------------------------------------------- */

/* What a handle holds of its frame, beside the pin. */
static __always_inline s16 take_frame(struct domain *rd, mfn_t m, bool write)
{
	if (unlikely(!gnttab_get_frame(current->domain, rd, m)))
		return GNTST_bad_page;
	if (write && page_type_get_writable(rd, page_of(m))) {
		gnttab_put_frame(current->domain, rd, m);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

static __always_inline void drop_frame(const struct domain *rd, mfn_t m, bool write)
{
	if (write)
		page_type_put_leaf(page_of(m));
	gnttab_put_frame(current->domain, rd, m);
}

/* The grant is pinned: make what @op asks for of frame @m. */
static __always_inline s16 map_frame(struct domain *rd, const struct gnttab_map_grant_ref *op,
				     mfn_t m)
{
	bool write = !(op->flags & GNTMAP_readonly);
	s16 status = take_frame(rd, m, write);

	if (status != GNTST_okay || !(op->flags & GNTMAP_host_map))
		return status;
	status = set_entry(rd, op->host_addr, op->flags, m);
	if (status != GNTST_okay)
		drop_frame(rd, m, write);
	return status;
}

/* A handle of @d's, and a pin of the grant for it: a status for the guest. */
static __always_inline s16 take_grant(struct domain *d, struct domain *rd, u32 ref, bool write,
				      s32 *handle, mfn_t *m)
{
	struct domain *held = rd;
	s16 status;

	spin_lock(&d->grants->lock);
	*handle = handle_alloc(d->grants);
	if (unlikely(*handle < 0)) {
		spin_unlock(&d->grants->lock);
		return GNTST_no_device_space;
	}
	gnttab_pass_lock(d, rd);
	status = gnttab_pin(rd, ref, d, write, m);
	if (unlikely(status != GNTST_okay)) {
		gnttab_pass_lock(rd, d);
		held = d;
		handle_free(d->grants, *handle);
	}
	spin_unlock(&held->grants->lock);
	return status;
}

/* The opposite. The granter sees "free" last (GNT-2). */
static __always_inline void drop_grant(struct domain *d, struct domain *rd, u32 ref, bool write,
				       u32 handle)
{
	spin_lock(&rd->grants->lock);
	gnttab_unpin(rd, ref, d, write);
	gnttab_pass_lock(rd, d);
	handle_free(d->grants, handle);
	spin_unlock(&d->grants->lock);
}

static __always_inline s16 map_from(struct domain *d, struct domain *rd,
				    struct gnttab_map_grant_ref *op)
{
	bool write = !(op->flags & GNTMAP_readonly);
	s32 handle;
	s16 status;
	mfn_t m;

	status = take_grant(d, rd, op->ref, write, &handle, &m);
	if (unlikely(status != GNTST_okay))
		return status;
	status = map_frame(rd, op, m);
	if (unlikely(status != GNTST_okay)) {
		drop_grant(d, rd, op->ref, write, handle);
		return status;
	}
	handle_publish(d->grants, handle,
		       &(struct grant_handle){
			       .mfn = mfn_x(m),
			       .ref = op->ref,
			       .granter = rd->domid,
			       .flags = op->flags & HELD_FLAGS,
		       });
	op->handle = handle;
	op->dev_bus_addr = mfn_to_maddr(m);
	return GNTST_okay;
}

static __always_inline void map_one(struct gnttab_map_grant_ref *op)
{
	struct domain *rd;

	op->status = GNTST_bad_gntref;
	if (unlikely(!(op->flags & MAPPED)))
		return;
	/* Who lends is named by number, as in Xen: nobody is DOMID_SELF here. */
	op->status = GNTST_bad_domain;
	rd = op->dom == DOMID_SELF ? NULL : get_named_domain(op->dom);
	if (unlikely(!rd))
		return;
	op->status = map_from(current->domain, rd, op);
	/* The frame of a handle keeps its owner. */
	put_named_domain(rd);
}

GNTTAB_ELEMENT(map_grant_ref, map_one(&op), dom)
GNTTAB_LIST(map_grant_ref)

/* ---- Unmap ----------------------------------------------------------------------------------- */

/*
 * Handle *@number, busy from now on: out of reach for other vcpus, so that it does not change.
 * NULL: it is none, or is busy already. Else *@number is in its range also under speculation.
 */
static __always_inline struct grant_handle *handle_take(u32 *number)
{
	struct grant_table *t = current->domain->grants;
	struct grant_handle *h = NULL;
	u32 n = *number;

	spin_lock(&t->lock);
	if (n < t->nr_handles) {
		n = *number = index_nospec(n, t->nr_handles);
		if ((t->handles[n].flags & MAPPED) && !(t->handles[n].flags & HANDLE_BUSY)) {
			t->handles[n].flags |= HANDLE_BUSY;
			h = &t->handles[n];
		}
	}
	spin_unlock(&t->lock);
	return h;
}

/* What a guest asks for of a handle. */
struct unmap_request {
	u64 host_addr, dev_bus_addr;	/* 0: leave that mapping */
	/* not empty but its entry goes where the grant was mapped */
	u64 new_addr;
	pte_t entry;			/* that, or none */
	bool done;			/* it was mapped there, and is not now */
};

/* The entry that is to come from new_addr. */
static s16 read_replacement(struct unmap_request *req)
{
	struct page_info *table;
	pte_t *pe = pt_lock_l1e(req->new_addr, &table);

	if (!pe)
		return GNTST_general_error;
	req->entry = pte_read(pe);
	pt_unlock_l1e(table);
	return GNTST_okay;
}

/* *left: the flags of what stays. */
static __always_inline s16 undo(const struct grant_handle *h, struct unmap_request *req, u16 *left)
{
	bool host = req->host_addr && (h->flags & GNTMAP_host_map);
	bool device = req->dev_bus_addr && (h->flags & GNTMAP_device_map);
	s16 status = GNTST_okay;

	if (device && req->dev_bus_addr != mfn_to_maddr(_mfn(h->mfn)))
		return GNTST_bad_dev_addr;
	if (host && req->new_addr)
		status = h->flags & GNTMAP_contains_pte ? GNTST_general_error
							: read_replacement(req);
	if (host && likely(status == GNTST_okay))
		status = clear_entry(h, req->host_addr, h->flags & GNTMAP_contains_pte, req->entry);
	if (unlikely(status != GNTST_okay))
		return status;
	*left &= ~((host ? GNTMAP_host_map : 0) | (device ? GNTMAP_device_map : 0));
	req->done = host;
	return GNTST_okay;
}

/* @batch has room. The handle goes into it, still busy, with its last mapping. */
static __always_inline s16 unmap(struct gnttab_unmapped *batch, u32 n, struct unmap_request *req)
{
	struct grant_handle *h = handle_take(&n);
	u16 left;
	s16 status;

	if (unlikely(!h))
		return GNTST_bad_handle;
	left = h->flags & ~HANDLE_BUSY;
	status = undo(h, req, &left);
	batch->entries |= left != (h->flags & ~HANDLE_BUSY);
	if (likely(!(left & MAPPED)))
		batch->handle[batch->nr++] = n;
	else
		WRITE_ONCE(h->flags, left);	/* the last that is written: no longer busy */
	return status;
}

/* What handle @n holds of @rd's. The granter sees "free" last (GNT-2). */
static __always_inline void give_back(struct domain *d, struct domain *rd, u32 n)
{
	const struct grant_handle *h = &d->grants->handles[n];
	bool write = !(h->flags & GNTMAP_readonly);

	drop_frame(rd, _mfn(h->mfn), write);
	drop_grant(d, rd, h->ref, write, n);
}

/* The same of another domain, which may be dying: it must not go with its last frame. */
static __noinline void give_back_to(struct domain *d, u32 n)
{
	struct domain *rd = page_owner(page_of(_mfn(d->grants->handles[n].mfn)));

	get_knownalive_domain(rd);
	give_back(d, rd, n);
	put_domain(rd);
}

void gnttab_unmap_finish(struct gnttab_unmapped *batch)
{
	struct domain *d = current->domain;

	/* All of the domain: any of its vcpus may have used the entries (TLB-3). */
	if (batch->entries)
		guest_flush_all(FLUSH_EVERYTHING);
	while (batch->nr) {
		u32 n = batch->handle[--batch->nr];

		if (likely(d->grants->handles[n].granter == d->domid))
			give_back(d, d, n);
		else
			give_back_to(d, n);
	}
	batch->entries = false;
}

static __always_inline void unmap_one(struct gnttab_unmap_grant_ref *op,
				      struct gnttab_unmapped *batch)
{
	op->status = unmap(batch, op->handle, &(struct unmap_request){
		.host_addr = op->host_addr, .dev_bus_addr = op->dev_bus_addr });
}

GNTTAB_ELEMENT(unmap_grant_ref, unmap_one(&op, batch), status)
GNTTAB_BATCH_LIST(unmap_grant_ref)

/*
 * The page at new_addr moves to host_addr: its entry there is cleared, its references travel with
 * it.
 */
static void unmap_and_replace_one(struct gnttab_unmap_and_replace *op,
				  struct gnttab_unmapped *batch)
{
	struct unmap_request req = { .host_addr = op->host_addr, .new_addr = op->new_addr };
	struct page_info *table;
	pte_t *pe;

	op->status = unmap(batch, op->handle, &req);
	if (!req.done || !op->new_addr)
		return;
	/*
	 * The old place of the replacement becomes empty, as Xen leaves it. Not where tables that
	 * siblings have put to other uses had to be parked on the way: no third one may come
	 * (PRE-3).
	 */
	pe = page_type_is_parked() ? NULL : pt_lock_l1e(op->new_addr, &table);
	if (pe) {
		if (pt_modify_expected(current->domain, pe, &req.entry, 0))
			op->status = GNTST_general_error;
		pt_unlock_l1e(table);
	}
}

GNTTAB_ELEMENT(unmap_and_replace, unmap_and_replace_one(&op, batch), status)
GNTTAB_BATCH_LIST(unmap_and_replace)
