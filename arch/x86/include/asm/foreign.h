/* SPDX-License-Identifier: MIT */
/*
 * Whose pages: the domain words of mmu_update, update_va_mapping_otherdomain and mmuext_op.
 */
#pragma once

#include <asm/percpu.h>
#include <isola/domain.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

/*
 * The domain whose frames an entry may name: DOMID_SELF is the caller, DOMID_IO stands for I/O
 * memory alone. NULL (the caller answers -ESRCH): no such domain, the caller's own number, as in
 * Xen, or one the caller has no right over.
 */
struct domain *pg_owner_of_other(domid_t domid);
static inline struct domain *pg_owner_of(domid_t domid)
{
	return likely(domid == DOMID_SELF) ? current->domain : pg_owner_of_other(domid);
}

/*
 * The high half of mmu_update's domain word: 0 the caller's own tables, else domid + 1. NULL as
 * above.
 */
static inline struct domain *pt_owner_of(u32 word)
{
	struct domain *d = current->domain;

	return word == 0 || word - 1 == d->domid ? d : NULL;
}
