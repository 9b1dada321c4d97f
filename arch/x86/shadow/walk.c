/* SPDX-License-Identifier: MIT */
/*
 * The walker. Interrupts are off from the first load to the last store: who would change the use of
 * a table, or its owner, unhooks it first and then waits for this CPU to flush (TLB-8). A frame may
 * leave the window before that, so what is done there is guarded.
 */
#include <asm/extable.h>
#include <asm/frametable.h>
#include <asm/page_mark.h>
#include <asm/page_type.h>
#include <asm/precondition.h>
#include <asm/shadow_walk.h>
#include <asm/window.h>

static pte_t *entry_at(mfn_t table, u64 va, unsigned level)
{
	return (pte_t *)window_ptr(table) + pt_index(va, level);
}

static pte_t read_guarded(const pte_t *pe)
{
	pte_t e = 0;

	asm volatile ("1: mov %1, %0\n\t2:\n\t" _ASM_EXTABLE(1b, 2b) : "+r"(e) : "m"(*pe));
	return e;
}

/* *@pe, if it is still @old, becomes @new. */
static bool swap_guarded(pte_t *pe, pte_t old, pte_t new)
{
	bool done = false;

	asm volatile ("1: lock cmpxchg %3, %1\n\t"
		      "sete %0\n\t"
		      "2:\n\t" _ASM_EXTABLE(1b, 2b)
		      : "+q"(done), "+m"(*pe), "+a"(old) : "r"(new) : "cc", "memory");
	return done;
}

void guest_walk(struct guest_walk *w, mfn_t l4, u64 va)
{
	mfn_t m = l4;

	ASSERT_IRQS_OFF();
	for (unsigned level = 4; level; level--) {
		w->table[level] = m;
		w->e[level] = mfn_has_page(m) ? read_guarded(entry_at(m, va, level)) : 0;
		w->missing = level;
		if (!pte_present(w->e[level]))
			return;
		m = pte_mfn(w->e[level]);
	}
	w->missing = 0;
}

u64 guest_walk_rights(const struct guest_walk *w, unsigned lowest)
{
	pte_t all = ~0ul, any = 0;

	for (unsigned level = 4; level >= lowest; level--) {
		all &= w->e[level];
		any |= w->e[level];
	}
	return (all & (PTE_RW | PTE_US)) | (any & PTE_NX);
}

static bool touch(struct guest_walk *w, u64 va, unsigned level, pte_t bits)
{
	pte_t e = w->e[level];

	if ((e & bits) == bits)
		return true;
	page_mark_dirty(page_of(w->table[level]));
	if (!swap_guarded(entry_at(w->table[level], va, level), e, e | bits))
		return false;
	w->e[level] = e | bits;
	return true;
}

bool guest_walk_touch(struct guest_walk *w, u64 va, pte_t leaf_bits)
{
	for (unsigned level = 4; level > 1; level--)
		if (!touch(w, va, level, PTE_A))
			return false;
	return touch(w, va, 1, PTE_A | leaf_bits);
}
