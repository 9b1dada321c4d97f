/* SPDX-License-Identifier: MIT */
/*
 * Whose pages: the domain words of mmu_update, update_va_mapping_otherdomain and mmuext_op.
 */
#pragma once

#include <isola/domain.h>

/*
 * The domain whose frames an entry may name: DOMID_SELF is the caller, DOMID_IO stands for I/O
 * memory alone. NULL (the caller answers -ESRCH): no such domain, the caller's own number, as in
 * Xen, or one the caller has no right over.
 */
struct domain *pg_owner_of(domid_t domid);

/*
 * The high half of mmu_update's domain word: 0 the caller's own tables, else domid + 1. NULL as
 * above.
 */
struct domain *pt_owner_of(u32 word);
