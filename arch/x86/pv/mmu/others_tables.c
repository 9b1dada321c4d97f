/* SPDX-License-Identifier: MIT */
/*
 * mmu_update on another domain's tables, the control domain's: each entry on a visit of its own,
 * where the references are those that the table's owner would have taken.
 *
 * Entries name the owner's frames or none: what would give it a frame of a third domain's, or of
 * the caller's, is refused (-EPERM), as nobody but a frame's owner lends it.
 */
#include <asm/foreign.h>
#include <asm/hypercall.h>
#include <asm/mmu_op.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_check.h>
#include <asm/pt_modify.h>
#include <asm/uaccess.h>
#include <asm/visit.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/privilege.h>
#include <xen/xen.h>

#define REQUEST_TYPE	7ul			/* low bits of ptr */

struct request {
	struct domain *pg_owner;
	u64 maddr, val;
	enum pt_preserve preserve;
};

/* A frame that is no table takes the word as it is, if it may be written. */
static int store(struct domain *d, struct page_info *pg, pte_t *pe, u64 val)
{
	if (page_type_get_writable(d, pg))
		return -EINVAL;
	pte_write(pe, val);
	page_type_put_leaf(pg);
	return 0;
}

static int change_entry(struct domain *d, void *arg)
{
	const struct request *r = arg;
	struct page_info *pg = page_get_from_mfn(maddr_to_mfn(r->maddr), d);
	pte_t *pe = (pte_t *)(VA_WINDOW + r->maddr);
	struct pt_batch batch = { 0 };
	unsigned level;
	int rc = -EINVAL;

	if (!pg)
		return rc;
	level = page_lock_table(pg);
	if (!level)
		rc = store(d, pg, pe, r->val);
	else if (level < 4 || !is_hv_slot(r->maddr))
		rc = pt_modify(r->pg_owner, level, pe, r->val, r->preserve, &batch);
	if (level)
		page_unlock_table(pg);
	page_put(pg);
	pt_batch_end(&batch);
	return rc;
}

struct owners {
	struct domain *table, *page;
};

static int one_request(void *state, u64 va)
{
	const struct owners *o = state;
	struct request r = { .pg_owner = o->page };
	u64 ptr;
	int rc = get_guest_pair(&ptr, &r.val, va);

	if (rc)
		return rc;
	r.maddr = ptr & ~REQUEST_TYPE;
	switch (ptr & REQUEST_TYPE) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		break;
	case MMU_PT_UPDATE_PRESERVE_AD:
		r.preserve = PT_PRESERVE_AD;
		break;
	case MMU_MACHPHYS_UPDATE:
		return -EPERM;		/* ABI: no table's; its own domain word says whose */
	default:
		return -ENOSYS;
	}
	return visit_whole(o->table, &(struct visit_op){
		VISIT_CMD_ENTRY | (r.maddr & ~PAGE_MASK), maddr_to_mfn(r.maddr), change_entry,
		&r });
}

/* Both with references. -EPERM before anybody is looked for; -ESRCH. */
static int get_owners(u32 domids, struct owners *o)
{
	int rc = may_act_on(MAY_change_tables, (domids >> 16) - 1);

	if (rc)
		return rc;
	o->table = get_domain_by_id((domids >> 16) - 1);
	if (!o->table)
		return -ESRCH;
	rc = get_page_owner(domids, false, &o->page);
	if (!rc && o->page != o->table && !is_nobody(o->page)) {
		put_page_owner(o->page);
		rc = -EPERM;
	}
	if (rc)
		put_domain(o->table);
	return rc;
}

long update_others_tables(const struct mmu_op_call *c, u32 done)
{
	struct owners o;
	u32 handled;
	int rc = get_owners(c->domids, &o);

	if (rc)
		return rc;
	rc = mmu_op_all(c, &handled, one_request, &o);
	put_page_owner(o.page);
	put_domain(o.table);
	return mmu_op_end(c, rc, handled, done);
}
