/* SPDX-License-Identifier: MIT */
/*
 * The processor under a shadow, and the pages that trees are made of: see shadow_cpu.h.
 */
#include <string.h>
#include <asm/frametable.h>
#include <asm/layout.h>
#include <asm/perdomain.h>
#include <asm/window.h>
#include <isola/errno.h>
#include "shadow_cpu.h"
#include "tap.h"

/* ---- The pages of trees ---- */

unsigned cpu_tree_pages, cpu_tree_pages_left = ~0u;
unsigned cpu_siblings, cpu_siblings_left = ~0u;
static bool has_page[VCPU_SHADOW_PAGES];

int create_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, bool populate)
{
	check(va == VA_SHADOW && nr == VCPU_SHADOW_PAGES && populate, "a shadow's pages");
	if (v->id) {
		cpu_siblings += cpu_siblings_left ? 1u << v->id : 0;
		return cpu_siblings_left && cpu_siblings_left-- ? 0 : -ENOMEM;
	}
	for (unsigned i = 0; i < nr; i++) {
		if (!cpu_tree_pages_left)
			return -ENOMEM;
		cpu_tree_pages_left--;
		check(!has_page[i], "no page twice");
		has_page[i] = true;
		cpu_tree_pages++;
		memset((void *)(va + ((u64)i << PAGE_SHIFT)), 0xff, PAGE_SIZE);
	}
	return 0;
}

void destroy_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr)
{
	if (v->id)
		cpu_siblings &= ~(1u << v->id);
	for (unsigned i = 0; va == VA_SHADOW && i < nr && !v->id; i++) {
		cpu_tree_pages -= has_page[i];
		has_page[i] = false;
	}
}

mfn_t perdomain_mfn(const struct vcpu *v, u64 va)
{
	u64 nr = (va - VA_SHADOW) >> PAGE_SHIFT;

	check(nr < VCPU_SHADOW_PAGES && has_page[nr], "a tree asks for page %lu, its own", nr);
	return _mfn(TREE_FRAME(nr));
}

/* Where the tree page of frame @m stands; NULL: it is none. */
static pte_t *tree_table(mfn_t m)
{
	for (unsigned nr = 0; nr < VCPU_SHADOW_PAGES; nr++)
		if (TREE_FRAME(nr) == mfn_x(m))
			return has_page[nr] ? (pte_t *)VA_SHADOW + nr * PT_ENTRIES : NULL;
	check(false, "a tree names frame %lx", mfn_x(m));
	return NULL;
}

/* ---- The processor ---- */

#define TLB_SIZE 64u

static u64 loaded;
static struct { u64 page; pte_t e; } tlb[TLB_SIZE];
static struct { u64 region; pte_t *l1; u64 rights; } regions[TLB_SIZE];

void cpu_write_cr3(u64 cr3)
{
	loaded = cr3;
	memset(tlb, 0, sizeof(tlb));
	memset(regions, 0, sizeof(regions));
}

void cpu_invlpg(u64 va)
{
	for (unsigned i = 0; i < TLB_SIZE; i++)
		if (tlb[i].page == va >> PAGE_SHIFT)
			tlb[i].e = 0;
	memset(regions, 0, sizeof(regions));
}

static u64 rights_of(u64 so_far, pte_t e)
{
	return (so_far & e & (PTE_RW | PTE_US)) | ((so_far | e) & PTE_NX);
}

/* The L1 behind @va and the rights of the way to it; NULL: none. */
static pte_t *walk_upper(u64 cr3, u64 va, u64 *rights)
{
	pte_t *table = public_ptr(maddr_to_mfn(cr3));

	*rights = PTE_RW | PTE_US;
	for (unsigned level = 4; level > 1; level--) {
		pte_t e = table[pt_index(va, level)];

		if (!pte_present(e))
			return NULL;
		check(!(e & PTE_PS) && (e & PTE_A), "an upper entry is %lx", e);
		*rights = rights_of(*rights, e);
		table = tree_table(pte_mfn(e));
		if (!table)
			return NULL;
	}
	return table;
}

static pte_t leaf_of(const pte_t *l1, u64 va, u64 rights)
{
	pte_t e = l1[pt_index(va, 1)];

	if (!pte_present(e))
		return 0;
	check((e & (PTE_A | PTE_D)) == (PTE_A | PTE_D), "the processor need not write %lx", e);
	return (e & ~(PTE_RW | PTE_US | PTE_NX)) | rights_of(rights, e);
}

pte_t cpu_tree_entry(u64 cr3, u64 va)
{
	u64 rights;
	pte_t *l1 = walk_upper(cr3, va, &rights);

	return l1 ? leaf_of(l1, va, rights) : 0;
}

static pte_t walk(u64 va)
{
	u64 region = va >> L2_SHIFT;
	unsigned i = region % TLB_SIZE;

	if (!regions[i].l1 || regions[i].region != region || tap_random() % 4 == 0) {
		u64 rights;
		pte_t *l1 = walk_upper(loaded, va, &rights);

		if (!l1)
			return 0;
		regions[i].region = region;
		regions[i].l1 = l1;
		regions[i].rights = rights;
	}
	return leaf_of(regions[i].l1, va, regions[i].rights);
}

static bool goes(pte_t e, u32 ec)
{
	return pte_present(e) && !((ec & PFEC_W) && !(e & PTE_RW)) &&
	       !((ec & PFEC_U) && !(e & PTE_US)) && !((ec & PFEC_I) && (e & PTE_NX));
}

pte_t cpu_access(u64 va, u32 *ec)
{
	unsigned i = (va >> PAGE_SHIFT ^ va >> L3_SHIFT) % TLB_SIZE;
	pte_t e;

	if (tlb[i].page == va >> PAGE_SHIFT && goes(tlb[i].e, *ec))
		return tlb[i].e;
	e = walk(va);
	tlb[i].page = va >> PAGE_SHIFT;
	tlb[i].e = e;
	if (goes(e, *ec))
		return e;
	cpu_invlpg(va);				/* as each page fault does */
	*ec |= pte_present(e) ? PFEC_P : 0;
	return 0;
}

/* ---- The guest's tables ---- */

pte_t *cpu_reference_entry(mfn_t l4, u64 va, unsigned level)
{
	pte_t *above;

	if (level == 4) {
		if (!mfn_is_valid_num(l4))
			return NULL;
		return (pte_t *)(VA_WINDOW + l4.n * PAGE_SIZE) + (va >> 39 & 511);
	}
	above = cpu_reference_entry(l4, va, level + 1);
	if (!above || !(*above & 1))
		return NULL;
	return (pte_t *)(VA_WINDOW + (*above & 0xffffffffff000)) + (va >> (3 + 9 * level) & 511);
}

struct seen_walk cpu_reference(mfn_t l4, u64 va)
{
	struct seen_walk w = { .present = true, .rw = true, .us = true };

	for (unsigned level = 1; level <= 4; level++) {
		const pte_t *pe = cpu_reference_entry(l4, va, level);

		if (!pe || !(*pe & 1))
			return (struct seen_walk){ .present = false };
		if (level == 1) {
			w.frame = (*pe & 0xffffffffff000) >> 12;
			w.dirty = *pe >> 6 & 1;
			w.cache = *pe & (PTE_PWT | PTE_PCD | PTE_PAT);
		}
		w.rw &= *pe >> 1 & 1;
		w.us &= *pe >> 2 & 1;
		w.nx |= *pe >> 63;
		w.accessed |= (*pe >> 5 & 1) << level;
	}
	return w;
}

bool seen_same(const struct seen_walk *a, const struct seen_walk *b)
{
	return a->present == b->present && a->frame == b->frame && a->rw == b->rw &&
	       a->us == b->us && a->nx == b->nx && a->accessed == b->accessed &&
	       a->dirty == b->dirty && a->cache == b->cache;
}

bool seen_allows(const struct seen_walk *w, u32 ec)
{
	return w->present && (w->rw || !(ec & PFEC_W)) && (w->us || !(ec & PFEC_U)) &&
	       (!w->nx || !(ec & PFEC_I));
}

bool seen_may_be(const struct seen_walk *w, pte_t e, unsigned levels)
{
	return w->present && (w->accessed & levels) == levels && w->frame == mfn_x(pte_mfn(e)) &&
	       w->cache == (e & (PTE_PWT | PTE_PCD | PTE_PAT)) &&
	       (!(e & PTE_RW) || (w->rw && (w->dirty || !(levels & 2)))) &&
	       (!(e & PTE_US) || w->us) && ((e & PTE_NX) || !w->nx);
}
