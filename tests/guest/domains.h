/* SPDX-License-Identifier: MIT */
/*
 * Domains that claims of the control domain's make, fill and destroy; none of them runs.
 */
#pragma once

#include "claim.h"
#include <xen/domctl.h>

#define ANY 0			/* a number that no domain can be given */
#define NR_GIVEN 64

/* What domctl() sends, and what comes back. */
extern struct xen_domctl domctl_op;
long domctl(uint32_t cmd, domid_t domid);

/* What xl asks for, with two vCPUs: in domctl_op. */
struct xen_domctl_createdomain *config(void);
domid_t create(void);
long max_vcpus(domid_t domid, uint32_t nr);
void max_mem(domid_t domid, uint64_t pages);
void destroy(domid_t domid);
/* Whether there is a domain of that number; then domctl_op has what is told of it. */
bool is_there(domid_t domid);
bool is_gone(uint64_t domid);

/* The frames that populate() was given, with names from @pfn on; how many. */
extern uint64_t given[NR_GIVEN];
long populate(domid_t domid, uint32_t nr, uint64_t pfn);
/*
 * A domain of two vCPUs with @nr frames (5 at least), with names from @pfn on: given[0] to given[3]
 * are an L4 to an L1, entry 5 of each is the next, and the L1's is given[4], writable.
 */
domid_t create_with_tables(uint32_t nr, uint64_t pfn);
/* One extent behind @gfn, by XENMEM_populate_physmap or XENMEM_decrease_reservation. */
long extent_by_gfn(domid_t domid, unsigned int cmd, uint64_t gfn, unsigned int order);
/* Its log: XEN_DOMCTL_SHADOW_OP_@what, into the bitmap @to of @pages. */
long shadow_op(domid_t domid, uint32_t what, uint32_t mode, void *to, uint64_t pages);
/* Map frame @mfn of @domid at window @w, or nothing (0). */
long map_foreign(unsigned int w, uint64_t mfn, uint64_t flags, domid_t domid);
/* Word @i of its frame @mfn, which is no table, becomes @val. By window 0. */
void set_foreign_word(domid_t domid, uint64_t mfn, unsigned int i, uint64_t val);

/* Of the machine. */
void need_nested_paging(void);	/* skips where there is none */
uint64_t free_pages(void);
/* Are so many free? */
bool are_free(uint64_t nr);
/*
 * Does @so become so of @arg? Xen takes its time to free what it is done with; Isola has none of it
 * when the call is over.
 */
bool becomes(bool (*so)(uint64_t), uint64_t arg);
