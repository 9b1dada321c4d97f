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
 * memory alone. False (the caller answers -ESRCH): no such domain, the caller's own number, as in
 * Xen, or one the caller has no right over.
 */
struct domain *pg_owner_of_other(domid_t domid);
static __always_inline bool pg_owner_of(domid_t domid, struct domain **owner)
{
	if (likely(domid == DOMID_SELF)) {
		*owner = current->domain;
		return true;
	}
	*owner = pg_owner_of_other(domid);
	return *owner;
}

/*
 * The high half of mmu_update's domain word, 0 or domid + 1: are the tables the caller's own? No
 * other domain's can be named.
 */
static inline bool pt_owner_is_caller(u32 word)
{
	return likely(!word) || word - 1 == current->domain->domid;
}
