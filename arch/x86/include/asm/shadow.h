/* SPDX-License-Identifier: MIT */
/*
 * Shadows: a second TLB, in software, below a vcpu's roots, which sees every first write.
 *
 * A shadowed vcpu runs on two roots of its own whose guest slots name no table of its guest's: they
 * name trees of pages in the vCPU area (class "vcpu"), one for each root, in which translations
 * stand that a walk of the guest's tables has found. They are put in by page faults, and are to be
 * thought of as entries of a TLB (SHD-1): one may be absent at any time; one may be stale for as
 * long as the hardware's may, and goes wherever that one goes. So nothing that changes the guest's
 * tables need know of shadows, and every flush must: of the current vcpu's CPU by the functions
 * below, of a vcpu that is loaded nowhere by root_load(), which begins with nothing.
 * What it does not forget is a switch between its own two roots: CR3 is written, the trees stay.
 * So that write is no flush for a shadowed vcpu's CPU, whatever its clock says (SHD-2, mm/tlb.c).
 *
 * A frame of the domain's own is writable in a tree only once it is dirty in the log (LOG-1).
 * Accessed and dirty bits are set in the guest's tables as the processor would set them.
 * docs/migration.md says why it is this and not Xen's shadow page tables.
 */
#pragma once

#include <isola/vcpu.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

#define VCPU_SHADOW_PAGES	512u	/* from VA_SHADOW: of both trees */
#define SHADOW_SPLIT		(VCPU_SHADOW_PAGES * 5 / 8)

enum shadow_tree { SHADOW_KERNEL, SHADOW_USER };

static inline bool is_shadowed(const struct vcpu *v) { return unlikely(v->shadow.on); }

static inline bool has_shadow(const struct vcpu *v) { return v && is_shadowed(v); }

/* Does a CPU's record name a vcpu with a shadow, or one that it leaves? */
static inline bool shadow_runs_on(const struct cpu_loaded *rec)
{
	return has_shadow(READ_ONCE(rec->vcpu)) || has_shadow(READ_ONCE(rec->leaving_vcpu));
}

/* ---- The current vcpu's (this_cpu.shadowed), or of one about to be loaded. Interrupts off. --- */

/* One tree has no translation any more; CR3 is to be written before its pages are used again. */
void shadow_forget_tree(struct vcpu *v, enum shadow_tree tree);
void shadow_forget(struct vcpu *v);
/* The current vcpu's trees have none for @va, or none at all; INVLPG follows. Any context. */
void shadow_forget_page(u64 va);

/* @v is about to be loaded. */
static __always_inline void shadow_begin(struct vcpu *v)
{
	if (is_shadowed(v))
		shadow_forget(v);
}

/* Part of each flush of this CPU, and of each change of a base pointer. */
static __always_inline void shadow_flush(void)
{
	if (unlikely(this_cpu.shadowed))
		shadow_forget(current);
}

static __always_inline void shadow_flush_tree(enum shadow_tree tree)
{
	if (unlikely(this_cpu.shadowed))
		shadow_forget_tree(current, tree);
}

/* Flush an address of the guest's from this CPU. Any context. */
static __always_inline void guest_invlpg(u64 va)
{
	if (unlikely(this_cpu.shadowed))
		shadow_forget_page(va);
	invlpg(va);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

/* Is a page fault with error code @ec ours to look at? One instruction: gcc 12 finds two. */
static __always_inline bool is_fault_ours(u32 ec)
{
	asm goto ("testl %0, %1\n\tjnz %l[ours]"
		  :: "r"(ec), "m"(this_vcpu.faults_ours) : "cc" : ours);
	return false;
ours:
	return true;
}

/*
 * The guest of the current vcpu, on the root of its mode, has faulted at @va, by an error code that
 * is ours to look at. 0: it may try again, or its domain has ended. Else the fault is its own; the
 * error code is what it would be without a shadow (never 0: U is set).
 */
u32 shadow_guest_fault(u64 va, u32 error_code);
/*
 * The hypervisor itself has, on a guest's behalf, interrupts on or off. True: try again. False: the
 * guest's tables do not allow it, or it has nothing to do with a shadow.
 */
bool shadow_own_fault(u64 va, u32 error_code);

/* ---- Making. @v is loaded nowhere, and will not be meanwhile. -------------------------------- */

/*
 * From its next turn on it is shadowed. -ENOMEM: nothing left behind. The current vcpu, too: from
 * now on; kernel root, interrupts on.
 */
int __must_check shadow_create(struct vcpu *v);
/* No more, if it was. */
void shadow_destroy(struct vcpu *v);

/*
 * Of all vcpus of @d, which waits, but for the current one if it is @d's, and which nobody visits.
 * -ENOMEM: some are, some are not; -ERESTART: something else is due, call again.
 */
int __must_check shadow_create_all(struct domain *d);
/* Not of the current one, whose shadow, if any, stays: it runs on it. */
void shadow_destroy_all(struct domain *d);

/* The same, and so it stays. What there is of a log keeps what shadows there are. */
int __must_check shadow_make_for_good(struct domain *d);

/* Vcpus may shadow their own domains from now on. Boot. */
void shadow_init(void);
