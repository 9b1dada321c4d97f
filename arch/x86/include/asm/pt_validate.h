/* SPDX-License-Identifier: MIT */
/*
 * Validation: walking a tree of tables to take, or drop, the references that its entries hold.
 *
 * No recursion (LIN-2): an explicit stack of at most four tables, since a table of level n names
 * level n-1 only (LIN-1). Progress is in each table's nr_validated: entries [0, n) hold references,
 * entry n may name a partial table, the rest holds nothing (PRE-1). That is true of a half-
 * validated and of a half-devalidated table alike, so either may be gone on with in either
 * direction, by whoever meets it.
 */
#pragma once

#include <asm/frametable.h>
#include <isola/domain.h>

/*
 * @pg has been taken to validate. 0: published. -ERESTART: suspended. -EINVAL, -EPERM: refused;
 * ended with count 0, or, when that had to be interrupted, parked.
 */
int __must_check pt_validate(struct domain *d, struct page_info *pg);

/* The last reference of @pg has been dropped: 0 ended, -ERESTART suspended. */
int __must_check pt_devalidate(struct domain *d, struct page_info *pg);
