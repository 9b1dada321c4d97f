/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_update_va_mapping: change the L1 entry that maps one guest address in the current
 * kernel table, and flush.
 *
 * TLB-6: nothing is flushed when the update failed; so @va has been found to be a guest address by
 * then.
 */
#include <asm/foreign.h>
#include <asm/guest_flush.h>
#include <asm/hypercall.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pt_modify.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

/* @in_line: of the caller's own frames. */
static __always_inline int set_l1e(struct domain *pg_owner, u64 va, u64 val, bool in_line)
{
	struct page_info *table;
	pte_t *pe = pt_lock_l1e(va, &table);
	int rc;

	if (!pe)
		return -EINVAL;
	rc = in_line ? pt_replace_l1e(pg_owner, pe, val)
		     : pt_modify(pg_owner, 1, pe, val, PT_REPLACE, NULL);
	pt_unlock_l1e(table);
	return rc;
}

/*
 * @flags: what to flush in bits 1:0; whose, in the rest: 0 this vcpu's, UVMF_ALL, or the address of
 * a vcpu bitmap.
 */
static __always_inline int flush_as_told(u64 va, u64 flags)
{
	u64 what = flags & UVMF_FLUSHTYPE_MASK, whose = flags & ~UVMF_FLUSHTYPE_MASK;

	if (what == UVMF_TLB_FLUSH)
		va = FLUSH_EVERYTHING;
	else if (what != UVMF_INVLPG)
		return 0;
	if (whose == UVMF_LOCAL)
		guest_flush_local(va);
	else if (whose == UVMF_ALL)
		guest_flush_all(va);
	else
		return guest_flush_listed(whose, va);
	return 0;
}

static __always_inline int update_va(struct domain *pg_owner, u64 va, u64 val, u64 flags,
				     bool in_line)
{
	int rc = page_type_finish_parked();

	if (rc)
		return rc;
	rc = set_l1e(pg_owner, va, val, in_line);
	return rc ? rc : flush_as_told(va, flags);
}

long hc_update_va_mapping(u64 va, u64 val, u64 flags)
{
	int rc = update_va(current->domain, va, val, flags, true);

	if (rc == -ERESTART)
		return hypercall_continue(update_va_mapping, va, val, flags);
	return rc;
}

long hc_update_va_mapping_otherdomain(u64 va, u64 val, u64 flags, u64 domid)
{
	struct domain *pg_owner;
	int rc = get_page_owner(domid, false, &pg_owner);

	if (rc)
		return rc;
	rc = update_va(pg_owner, va, val, flags, false);
	put_page_owner(pg_owner);
	if (rc == -ERESTART)
		return hypercall_continue(update_va_mapping_otherdomain, va, val,
					  flags, domid);
	return rc;
}
