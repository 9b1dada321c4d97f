/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mmu_update: a list of page-table entry changes.
 *
 * Each request is copied in once and stands alone; only a *held* table (general reference, type
 * reference, page lock) is carried from one to the next when both are in the same frame, and it is
 * let go at each preemption check that says stop, at the end and on error. The list itself is
 * mmu_op.h's. A plain store into an L1 table, which nearly all requests are, goes in line from here
 * to the entry.
 * ABI: <xen/xen.h>.
 */
#include <asm/by_gfn.h>
#include <asm/domain_map.h>
#include <asm/foreign.h>
#include <asm/hypercall.h>
#include <asm/m2p.h>
#include <asm/mmu_op.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <asm/uaccess.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

#define REQUEST_TYPE	7ul			/* low bits of ptr */

static_assert(sizeof(struct mmu_update) == 16 && offsetof(struct mmu_update, val) == 8,
	      "the ABI's request");

/*
 * The frame of the last request, INVALID_MFN: none. level 0: held for plain stores (a writable
 * reference), 1..4: locked as a table. batch: what the entries changed so far owe to roots and
 * TLBs.
 */
struct held {
	mfn_t mfn;
	unsigned level;
	struct domain *pg_owner;
	struct pt_batch batch;
};

/* The end: h->mfn is not looked at again. */
static __always_inline void let_go(struct held *h)
{
	struct page_info *pg;

	if (!mfn_is_valid_num(h->mfn))
		return;
	pg = page_of(h->mfn);
	if (likely(h->level))
		page_unlock_table(pg);
	else
		page_type_put_leaf(pg);
	page_put(pg);
}

/*
 * -ERESTART: another vcpu has unpinned it, and it was parked. The request, which has not begun, may
 * park another, and so may the end of the list.
 */
static __noinline int let_go_for_another(struct held *h)
{
	let_go(h);
	h->mfn = INVALID_MFN;
	return page_type_is_parked() ? -ERESTART : 0;
}

static __always_inline int hold(struct held *h, mfn_t m)
{
	struct page_info *pg;

	if (mfn_eq(h->mfn, m))
		return 0;
	if (mfn_is_valid_num(h->mfn) && unlikely(let_go_for_another(h)))
		return -ERESTART;
	pg = page_get_from_mfn(m, current->domain);
	if (unlikely(!pg))
		return -EINVAL;
	h->level = page_lock_table(pg);
	if (unlikely(!h->level) && page_type_get_writable(current->domain, pg)) {
		page_put(pg);
		return -EINVAL;
	}
	h->mfn = m;
	return 0;
}

/* In the window. The frame is held: the address is one of RAM. */
static pte_t *entry_ptr(u64 maddr)
{
	return (pte_t *)(VA_WINDOW + maddr);
}

/* @in_line: of the caller's own frames, and nothing of the old entry stays. */
static __always_inline int update_entry(struct held *h, u64 maddr, u64 val,
					enum pt_preserve preserve, bool in_line)
{
	int rc = hold(h, maddr_to_mfn(maddr));

	if (unlikely(rc))
		return rc;
	if (likely(h->level == 1) && in_line)
		return pt_replace_l1e(h->pg_owner, entry_ptr(maddr), val);
	if (!h->level) {
		pte_write(entry_ptr(maddr), val);
		return 0;
	}
	if (h->level == 4 && is_hv_slot(maddr))
		return -EINVAL;
	if (in_line)
		return pt_replace_upper(h->pg_owner, h->level, entry_ptr(maddr), val, &h->batch);
	return pt_modify(h->pg_owner, h->level, entry_ptr(maddr), val, preserve, &h->batch);
}

/* Held: while it is given a name, it is not given back and has none. */
static int update_m2p(struct domain *pg_owner, u64 maddr, u64 val)
{
	struct page_info *pg;

	if (pg_owner != current->domain)
		return domain_name_page(pg_owner, maddr_to_mfn(maddr), _pfn(val));
	pg = page_get_from_mfn(maddr_to_mfn(maddr), pg_owner);
	if (!pg)
		return -EINVAL;
	m2p_set(page_mfn(pg), _pfn(val));
	page_mark_dirty(pg);		/* its new name has to be looked at */
	page_put(pg);
	return 0;
}

static __noinline int other_request(void *state, u64 ptr, u64 val)
{
	struct held *h = state;
	u64 maddr = ptr & ~REQUEST_TYPE;

	switch (ptr & REQUEST_TYPE) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return update_entry(h, maddr, val, PT_REPLACE, false);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return update_entry(h, maddr, val, PT_PRESERVE_AD, false);
	case MMU_MACHPHYS_UPDATE:
		return update_m2p(h->pg_owner, maddr, val);
	default:
		return -ENOSYS;
	}
}

static __always_inline int one_request(void *state, u64 va)
{
	u64 ptr, val;
	int rc = get_guest_pair(&ptr, &val, va);

	if (unlikely(rc))
		return rc;
	static_assert(MMU_NORMAL_PT_UPDATE == 0, "no bit of the type set");
	if (unlikely(ptr & REQUEST_TYPE))
		return other_request(state, ptr, val);
	return update_entry(state, ptr, val, PT_REPLACE, true);
}

static int one_foreign_request(void *state, u64 va)
{
	u64 ptr, val;
	struct domain *owner = ((struct held *)state)->pg_owner;
	int rc = get_guest_pair(&ptr, &val, va);

	if (!rc && owner->hvm)
		return hvm_request_by_gfn(owner, ptr, val, state, other_request);
	return rc ? rc : other_request(state, ptr, val);
}

/* @own: entries name the caller's own frames. */
static __always_inline long update_all(u64 reqs, u64 count, u64 done_ptr, u64 domids, bool own,
				       int (*one)(void *state, u64 va))
{
	struct mmu_op_call c = { __HYPERVISOR_mmu_update, sizeof(struct mmu_update), reqs, count,
				 done_ptr, domids };
	struct held h;
	u32 done = 0, handled;
	long left;
	int rc;

	if (mmu_op_begin(&c, &done, &left))
		return left;
	if (!own && unlikely(!pt_owner_is_caller((u32)domids >> 16)))
		return update_others_tables(&c, done);
	rc = own ? 0 : get_page_owner(domids, true, &h.pg_owner);
	if (rc)
		return rc;
	if (own)
		h.pg_owner = current->domain;
	h.mfn = INVALID_MFN;
	h.batch = (struct pt_batch){ 0 };
	rc = mmu_op_all(&c, &handled, one, &h);
	let_go(&h);
	pt_batch_end(&h.batch);
	if (!own)
		put_page_owner(h.pg_owner);
	return mmu_op_end(&c, rc, handled, done);
}

/*
 * Entries name frames of another domain, or of none, or are in another's tables. Apart: the other
 * needs fewer registers.
 */
static __noinline long update_foreign(u64 reqs, u64 count, u64 done_ptr, u64 domids)
{
	return update_all(reqs, count, done_ptr, domids, false, one_foreign_request);
}

long hc_mmu_update(u64 reqs, u64 count, u64 done_ptr, u64 domids)
{
	if (likely((u32)domids == DOMID_SELF))
		return update_all(reqs, count, done_ptr, domids, true, one_request);
	return update_foreign(reqs, count, done_ptr, domids);
}
