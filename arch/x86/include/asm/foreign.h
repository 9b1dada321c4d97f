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
 * The domain whose frames L1 entries may name, or that mmuext_op is about, as @domid says:
 * DOMID_SELF is the caller, DOMID_IO stands for I/O memory alone, DOMID_XEN for the M2P's own
 * frames, a number is another domain, if the caller may name its frames. 0, to be ended by
 * put_page_owner(). -EPERM: it may not; whether there is one is not said. -ESRCH: there is none, or
 * it is dying; or it is the caller's own number, as in Xen. -EOPNOTSUPP: its pages have gfns
 * (asm/by_gfn.h), which the caller does not take (@by_gfn).
 */
int __must_check get_other_owner(domid_t domid, bool by_gfn, struct domain **owner);
static __always_inline int __must_check get_page_owner(domid_t domid, bool by_gfn,
						       struct domain **owner)
{
	*owner = current->domain;
	return likely(domid == DOMID_SELF) ? 0 : get_other_owner(domid, by_gfn, owner);
}

void put_other_owner(struct domain *owner);
static __always_inline void put_page_owner(struct domain *owner)
{
	if (unlikely(owner != current->domain))
		put_other_owner(owner);
}

/* The high half of mmu_update's domain word, 0 or domid + 1: are the tables the caller's own? */
static inline bool pt_owner_is_caller(u32 word)
{
	return likely(!word) || word - 1 == current->domain->domid;
}

/* mmu_update on them if they are not (others_tables.c): what the hypercall function returns. */
struct mmu_op_call;
long update_others_tables(const struct mmu_op_call *c, u32 done);
