/* SPDX-License-Identifier: MIT */
/*
 * Roots: the L4 pages that CR3 names. Two per vcpu (kernel, user) and one per CPU (idle), made
 * once; guest L4s are never loaded. Guest slots of a root mirror the guest L4 it was copied from
 * (docs/locking.md).
 *
 * A guest L4 keeps, in its own slots 256..271 that hardware never walks, its generation and an
 * occupancy map:
 *   slot 256        generation, from one global counter, 0 = never stamped
 *   slots 257..264  bit n = slot n is present, or has been since the frame became an l4
 * They are initialised when the frame becomes an l4 (root_l4_init) and kept by root_l4_written().
 */
#pragma once

#include <isola/vcpu.h>
#include <asm/pgentry.h>
#include <generated/autoconf.h>

struct page_info;

/* Boot: the resync function for IPIs. */
void root_init(void);
/* The idle root of @cpu, whose idle vcpu is @idle. -ENOMEM. */
int __must_check root_create_idle(struct vcpu *idle, unsigned cpu);
/* The visit root of @cpu: as the idle root, until a visit shows a window on it. -ENOMEM. */
int __must_check root_create_visit(unsigned cpu);
/*
 * For visit.c, between hypercalls' kernel root and back: this CPU's visit root with @d's window.
 * Interrupts on.
 */
void root_begin_visit(struct domain *d);
void root_end_visit(void);
/* @cr3 is loaded from now on: paging.c's at boot; the firmware's, and back. Interrupts off. */
void root_adopt(u64 cr3);
/* Write CR3 again: flushes this CPU. Any context. */
void root_reload(void);

/* Make v's two roots, its vCPU area and its private pages. -ENOMEM: nothing left behind then. */
int __must_check root_create_vcpu(struct vcpu *v);
/*
 * Undo it, or nothing. @v is loaded nowhere, and never will be again; it holds no guest L4 and no
 * descriptor frame.
 */
void root_destroy_vcpu(struct vcpu *v);

/*
 * @l4: guest L4 frame (window address) that has just been taken as type l4, before its entries are
 * validated.
 */
void root_l4_init(pte_t *l4);

/*
 * The CPUs that edits of guest L4s have made dirty: their roots may still show an entry as it was.
 * All zero: none. This CPU is among them only when its own root was behind; else its one slot was
 * stored at once.
 */
struct root_dirty {
	u64 cpus[(CONFIG_NR_CPUS + 63) / 64];
};

static inline bool root_is_dirty(const struct root_dirty *dirty)
{
	u64 any = 0;

	for (unsigned i = 0; i < sizeof(dirty->cpus) / sizeof(dirty->cpus[0]); i++)
		any |= dirty->cpus[i];
	return any;
}

/*
 * The entry @pl4e of a guest L4 (page lock held; a window address) has just been written.
 * Interrupts on. Updates occupancy and generation, mirrors the slot into the current vcpu's roots
 * where they came from this L4, and adds to *dirty the CPUs whose record names it.
 */
void root_l4_written(pte_t *pl4e, struct root_dirty *dirty);
/*
 * Clean up: those CPUs, and no others, bring both roots in step and then flush; waits for them.
 * Interrupts on, no page lock needed. What an edited entry named before may be dropped after this,
 * not before.
 */
void root_dispatch(struct root_dirty *dirty);

/*
 * MMUEXT_NEW_BASEPTR / NEW_USER_BASEPTR: the current vcpu's guest L4s changed: sync the root and
 * load CR3. INVALID_MFN for user = none. Both L4s, the one before and the one that comes, are held.
 * Interrupts on.
 */
void root_set_kernel(mfn_t l4);
void root_set_user(mfn_t l4);

/*
 * Guest user <-> kernel mode: kernel_mode flag, swapgs, one CR3 write. Current vcpu, interrupts
 * off.
 */
void root_enter_kernel(void);
void root_enter_user(void);

/*
 * Look at guest memory while the vcpu stays in user mode: the kernel root is loaded between the
 * two. Interrupts off in each of them.
 */
void root_peek_kernel(void);
void root_peek_done(void);

/* @v, which is loaded nowhere, has no guest L4s any more: both roots show none. */
void root_forget(struct vcpu *v);

/*
 * Load @v's kernel root on this CPU (switch-in): stores slot 257, syncs guest slots, publishes,
 * writes CR3. Interrupts off.
 */
void root_load(struct vcpu *v);
