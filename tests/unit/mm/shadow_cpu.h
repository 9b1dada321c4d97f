/* SPDX-License-Identifier: MIT */
/*
 * A processor on the two roots of a shadowed vcpu. It walks the trees and nothing else; it has a
 * TLB, and remembers where the L1 behind each 2 MiB stands. And what it would find in the guest's
 * own tables, by a walk that shares nothing with the product's.
 */
#pragma once

#include <stdbool.h>
#include <asm/pgentry.h>
#include <asm/regs.h>
#include <asm/shadow.h>

/* The frames behind VA_SHADOW, in no order. */
#define TREE_FIRST	0x4000u
#define TREE_FRAME(nr)	(TREE_FIRST + (nr) * 5 % VCPU_SHADOW_PAGES)

/* Shadow pages that have been given and are not back; that are left before none is given. */
extern unsigned cpu_tree_pages, cpu_tree_pages_left;
/* The same of vcpus with another number than 0, as a whole: a bit for each; how many more. */
extern unsigned cpu_siblings, cpu_siblings_left;

/* CR3 is @cr3 from now on, and the TLB empty; or one page of it goes. */
void cpu_write_cr3(u64 cr3);
void cpu_invlpg(u64 va);

/*
 * An access to @va; *@ec: PFEC_W, PFEC_U, PFEC_I, as it is. The entry by which it goes: the frame,
 * and PTE_RW, PTE_US, PTE_NX of the whole way; or 0, and *@ec is what the processor pushes.
 */
pte_t cpu_access(u64 va, u32 *ec);

/* What the tree of root @cr3 says, no TLB asked; 0: nothing. */
pte_t cpu_tree_entry(u64 cr3, u64 va);

/* What the guest's tables say. */
struct seen_walk {
	u64 frame;
	bool present, rw, us, nx;
	unsigned accessed;		/* bit n: the entry at level n */
	bool dirty;			/* its end */
	pte_t cache;			/* PWT, PCD, PAT of its end */
};
struct seen_walk cpu_reference(mfn_t l4, u64 va);
/* The table entry for @va at @level; NULL: the way ends above. */
pte_t *cpu_reference_entry(mfn_t l4, u64 va, unsigned level);
bool seen_same(const struct seen_walk *a, const struct seen_walk *b);
/* Do these tables allow an access of kind @ec? */
bool seen_allows(const struct seen_walk *w, u32 ec);
/* Of seen_walk.accessed: the whole way is. */
#define WHOLE_WAY	0x1eu
/*
 * May a processor have @e, as cpu_access() gives it, by these tables, if the entries at @levels
 * must be accessed, and if one of these is the last, and it may write, dirty?
 */
bool seen_may_be(const struct seen_walk *w, pte_t e, unsigned levels);
