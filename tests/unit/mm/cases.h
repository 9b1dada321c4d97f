/* SPDX-License-Identifier: MIT */
/*
 * What the cases are told with: the audit as a claim, and single calls.
 */
#pragma once

#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/window.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include "guest.h"
#include "tap.h"
#include "world.h"

static inline void audited(const char *claim)
{
	check(world_audit() == 0, "the audit after: %s", claim);
	all_ok(claim);
}

static inline long update(u64 maddr, u64 val)
{
	struct mmu_update req = { maddr, val };

	return hc_mmu_update((u64)&req, 1, 0, DOMID_SELF);
}

static inline u64 entry_at(unsigned f, unsigned slot) { return ((u64)f << PAGE_SHIFT) + 8 * slot; }
static inline pte_t names(unsigned f) { return (u64)f << PAGE_SHIFT | PTE_P | PTE_US; }
static inline long ext(unsigned cmd, u64 arg1, u64 arg2)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = arg1;
	op.arg2.src_mfn = arg2;
	return hc_mmuext_op((u64)&op, 1, 0, DOMID_SELF);
}

/* The current domain's grant @ref: frame @f, to @to. */
static inline void lend(unsigned ref, unsigned f, domid_t to)
{
	struct grant_entry_v1 *e =
		(struct grant_entry_v1 *)window_ptr(current->domain->grants->frame[0]) + ref;

	*e = (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = to, .frame = f };
}

/* Tables dropped half done (cases_parking.c). */
void parking(void);
/*
 * Of frames in others' hands (cases_owners.c): a table of domain 1's, a frame of domain 0's that
 * nothing else uses. Domain 1's entry 0 for it becomes @e, and its processor goes through it; does
 * that remember frame @f? A start in which it does, whether the entry is @still there or not.
 * Domain 0 gives back one frame, or two (0: no second).
 */
#define THEIR_L1	(FOREIGN_FIRST + 1)
#define OURS		30u
int their_entry(pte_t e);
bool they_remember(unsigned f);
void they_use(unsigned f, pte_t rights, bool still);
long give_back(u64 first, u64 second);
/* Calls that name them (cases_foreign.c). */
void foreign(void);
/* Cache types of RAM (cases_caches.c). */
void caches(void);
/* Grants between domains (cases_grants.c). */
void grants(void);
/* Frames whose owner gives them back while others hold them (cases_orphans.c). */
void orphans(void);
/* Frames that another domain than their owner uses (cases_owners.c). */
void owners(void);
