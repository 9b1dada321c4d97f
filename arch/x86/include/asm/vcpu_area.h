/* SPDX-License-Identifier: MIT */
/*
 * The vCPU area (slot 258): the per-domain slot of the prior art, one per vcpu. Callers never see
 * an L1.
 */
#pragma once

#include <isola/vcpu.h>

#define VCPU_ROOTS		2	/* kernel, user (asi/root.c) */
#define VCPU_AREA_TABLES	4
/* Pages that a vcpu takes because what it sees is its own. */
#define VCPU_ISOLATION_PAGES	(VCPU_ROOTS + VCPU_AREA_TABLES + VCPU_PRIVATE_PAGES)

/*
 * Map frame @m at @va of the current vcpu's area with @flags (PAGE_HV_RO or PAGE_HV_RW), replacing
 * what was there. Flushes the page if something was mapped. @va lies in the descriptor window.
 */
void vcpu_area_map(u64 va, mfn_t m, u64 flags);
/* The GDT window falls back to a zero page, the LDT window to nothing. Flushes the page. */
void vcpu_area_unmap(u64 va);

/*
 * The same for @v, which is not loaded anywhere and has not been since its area was made: no flush.
 */
void vcpu_area_set(struct vcpu *v, u64 va, mfn_t m, u64 flags);

/* Make the area's tables and private pages for @v. -ENOMEM; nothing left behind then. */
int __must_check vcpu_area_create(struct vcpu *v);
/* The one area of all idle roots: the hypervisor's GDT page and zero pages. Its L3. Boot only. */
void vcpu_area_init_idle(void);
extern mfn_t idle_area_l3;
