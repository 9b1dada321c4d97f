/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mmu_update: a list of page-table entry changes.
 *
 * Each request is copied in once and stands alone; only a *held* table (general reference, type
 * reference, page lock) is carried from one to the next when both are in the same frame, and it is
 * let go at each preemption check that says stop, at the end and on error. The count's top bit says
 * "go on": *done is then what had been done before.
 * ABI: <xen/xen.h>; requests NULL with a count of only that bit is the call that finishes a parked
 * table, its result in the fourth argument.
 */
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
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

#define REQUEST_TYPE	7ul			/* low bits of ptr */

static_assert(sizeof(struct mmu_update) == 16, "the ABI's request");

/*
 * The frame of the last request. level 0: held for plain stores (a writable reference), 1..4:
 * locked as a table; pg NULL: none. batch: what the entries changed so far owe to roots and TLBs.
 */
struct held {
	struct page_info *pg;
	unsigned level;
	struct pt_batch batch;
};

static void let_go(struct held *h)
{
	if (!h->pg)
		return;
	if (h->level)
		page_unlock_table(h->pg);
	else
		page_type_put_leaf(h->pg);
	page_put(h->pg);
	h->pg = NULL;
}

static int hold(struct held *h, mfn_t m)
{
	struct page_info *pg;

	if (h->pg && mfn_eq(page_mfn(h->pg), m))
		return 0;
	let_go(h);
	pg = page_get_from_mfn(m, current->domain);
	if (!pg)
		return -EINVAL;
	h->level = page_lock_table(pg);
	if (!h->level && page_type_get_writable(current->domain, pg)) {
		page_put(pg);
		return -EINVAL;
	}
	h->pg = pg;
	return 0;
}

static int update_entry(struct held *h, struct domain *pg_owner, u64 maddr, u64 val,
			enum pt_preserve preserve)
{
	pte_t *pe;
	unsigned slot;
	int rc = hold(h, maddr_to_mfn(maddr));

	if (rc)
		return rc;
	pe = (pte_t *)((char *)window_ptr(maddr_to_mfn(maddr)) + (maddr & ~PAGE_MASK));
	if (!h->level) {
		pte_write(pe, val);
		return 0;
	}
	slot = (maddr & ~PAGE_MASK) / sizeof(pte_t);
	if (h->level == 4 && slot >= L4_SLOT_HV_FIRST && slot <= L4_SLOT_HV_LAST)
		return -EINVAL;
	return pt_modify(pg_owner, h->pg, h->level, pe, val, preserve, &h->batch);
}

static int update_m2p(struct domain *pg_owner, u64 maddr, u64 val)
{
	struct page_info *pg = page_get_from_mfn(maddr_to_mfn(maddr), pg_owner);

	if (!pg)
		return -EINVAL;
	m2p_set(page_mfn(pg), _pfn(val));
	page_put(pg);
	return 0;
}

static int one_request(struct held *h, struct domain *pg_owner, const struct mmu_update *req)
{
	u64 maddr = req->ptr & ~REQUEST_TYPE;

	switch (req->ptr & REQUEST_TYPE) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return update_entry(h, pg_owner, maddr, req->val, PT_REPLACE);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return update_entry(h, pg_owner, maddr, req->val, PT_PRESERVE_AD);
	case MMU_MACHPHYS_UPDATE:
		return update_m2p(pg_owner, maddr, req->val);
	default:
		return -ENOSYS;
	}
}

/*
 * Handle up to @count requests; *@i is how many were. 0, -ERESTART to continue with the rest, or
 * the first error.
 */
static int all_requests(struct domain *pg_owner, u64 reqs, u32 count, u32 *i)
{
	struct held h = { 0 };
	struct mmu_update req;
	int rc = 0;

	for (*i = 0; *i < count && !rc; *i += !rc) {
		if (*i && hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
		rc = page_type_finish_parked();
		if (!rc)
			rc = copy_from_guest(&req, guest_elem(reqs, *i, sizeof(req)), sizeof(req));
		if (!rc)
			rc = one_request(&h, pg_owner, &req);
	}
	let_go(&h);
	pt_batch_end(&h.batch);
	return rc == -EINTR ? -ERESTART : rc;
}

long hc_mmu_update(u64 reqs, u64 count_arg, u64 done_ptr, u64 domids, u64 a5, u64 a6)
{
	u32 count = count_arg, done = 0, i;
	struct domain *pg_owner;
	int rc = page_type_finish_parked();

	(void)a5, (void)a6;
	if (rc)
		return hypercall_continue(__HYPERVISOR_mmu_update, reqs, count, done_ptr, domids,
					  0);
	if (count == MMU_OP_CONTINUED && !reqs)
		return (int)domids;
	if ((count & MMU_OP_CONTINUED) && done_ptr &&
	    copy_from_guest(&done, done_ptr, sizeof(done)))
		return -EFAULT;
	count &= ~MMU_OP_CONTINUED;
	pg_owner = pg_owner_of(domids & 0xffff);
	if (!pg_owner || !pt_owner_of((u32)domids >> 16))
		return -ESRCH;

	rc = all_requests(pg_owner, reqs, count, &i);
	return mmu_op_end(__HYPERVISOR_mmu_update, rc, &(struct mmu_op_progress){
		.list = reqs, .elem_bytes = sizeof(struct mmu_update), .count = count, .handled = i,
		.done_before = done, .done_ptr = done_ptr, .domids = domids });
}
