/* SPDX-License-Identifier: MIT */
/*
 * Perdomain mappings: what stands in a vCPU area (slot 258: the per-domain slot of the prior art,
 * one per vcpu). GDT, LDT, mapcache and private pages come and go by these functions alone; callers
 * never see an L1.
 *
 * A range is @nr pages from @va, between VA_VCPU and VA_VCPU_TABLES. The area is either loaded here
 * (v == current) or nowhere (v->on_cpu == NO_CPU), and then no TLB holds any of it: a CPU that
 * leaves a root writes CR3. Nobody else changes it meanwhile: a vcpu's own code, or whoever holds
 * d->vcpus_lock while it is down, or builds or destroys it.
 */
#pragma once

#include <isola/vcpu.h>

/*
 * Tables for the range, which shows nothing yet; with @populate a zeroed page of class vcpu behind
 * each of its pages, owned by the mapping. -ENOMEM: what has been made so far stays, for
 * destroy_perdomain_mapping() and free_perdomain_tables() to take.
 */
int __must_check create_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, bool populate);

/*
 * Frame @mfn[i], which stays its owner's, behind page i, with @flags (PAGE_HV_RO or PAGE_HV_RW), in
 * place of what was there: that page is flushed. The range has tables; nothing owned is in it.
 */
void populate_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, const mfn_t *mfn, u64 flags);

/*
 * The range shows nothing any more, anywhere; then what the mapping owned is freed. Holes, in pages
 * and in tables, are passed over.
 */
void destroy_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr);

/* All tables of @v's area, which is loaded nowhere and shows nothing. None, or a part: as well. */
void free_perdomain_tables(struct vcpu *v);

/* Does page @va of the loaded area show something? */
bool perdomain_is_mapped(u64 va);
/* The frame behind page @va of @v's area; INVALID_MFN: none. */
mfn_t perdomain_mfn(const struct vcpu *v, u64 va);
