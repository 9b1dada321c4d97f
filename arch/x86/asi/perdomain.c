/* SPDX-License-Identifier: MIT */
/*
 * Perdomain mappings: see asm/perdomain.h.
 *
 *   L3 -> one L2 -> L1 "desc" (GDT window, LDT window, private pages)
 *                -> L1 "mapcache"
 *                -> that L2 itself, as the L1 behind VA_VCPU_TABLES
 * So the loaded area shows its own L1s at a constant address: the entry of page n is the nth there,
 * and no pointer to a table is kept. An area that is not loaded is walked from v->area_l3: tables
 * are public pages. No leaf here is executable, nor is what stands behind VA_VCPU_TABLES.
 */
#include <asm/perdomain.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/frametable.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/tlb.h>

/* A page that the mapping owns: allocated with it, freed with it. */
#define PERDOMAIN_OWNED	(1ul << 9)		/* of PTE_AVL */
#define AREA_L1S	((VA_VCPU_TABLES - VA_VCPU) >> L2_SHIFT)

static_assert(!(VA_VCPU & ((1ul << L3_SHIFT) - 1)), "an area is below one L2");

static bool in_area(u64 va, unsigned nr)
{
	return va >= VA_VCPU && va < VA_VCPU_TABLES && nr <= (VA_VCPU_TABLES - va) >> PAGE_SHIFT;
}

/* Of the loaded area. */
static __always_inline pte_t *linear_l1e(u64 va)
{
	return (pte_t *)VA_VCPU_TABLES + ((va - VA_VCPU) >> PAGE_SHIFT);
}

/* The same; NULL: no table. */
static __always_inline pte_t *linear_l1e_if_any(u64 va)
{
	return pte_present(pte_read(linear_l1e(VA_VCPU_TABLES) + pt_index(va, 2))) ? linear_l1e(va)
										   : NULL;
}

/* The table that entry @i of table @m names; NULL: none. */
static pte_t *table_below(mfn_t m, unsigned i)
{
	pte_t e;

	if (!mfn_is_valid_num(m))
		return NULL;
	e = pte_read((pte_t *)public_ptr(m) + i);
	return pte_present(e) ? public_ptr(pte_mfn(e)) : NULL;
}

static pte_t *area_l2(const struct vcpu *v)
{
	return table_below(v->area_l3, pt_index(VA_VCPU, 3));
}

/* Of any area. NULL: no table. */
static pte_t *walk_l1e(const struct vcpu *v, u64 va)
{
	pte_t *l2 = area_l2(v), *l1 = l2 ? table_below(public_mfn(l2), pt_index(va, 2)) : NULL;

	return l1 ? l1 + pt_index(va, 1) : NULL;
}

/* ---- Making --------------------------------------------------------------------------------- */

static pte_t *new_table(pte_t *pe)
{
	pte_t *t = alloc_public_page(); /* public: area tables */

	if (t && pe)
		pte_write(pe, pte_make(public_mfn(t), PAGE_HV_RW));
	return t;
}

/* The L2, with the way to it and the one to itself. NULL: no memory. */
static pte_t *make_l2(struct vcpu *v)
{
	pte_t *l2 = area_l2(v), *l3;

	if (l2)
		return l2;
	if (!mfn_is_valid_num(v->area_l3)) {
		l3 = new_table(NULL);
		if (!l3)
			return NULL;
		v->area_l3 = public_mfn(l3);
	}
	l3 = public_ptr(v->area_l3);
	l2 = new_table(&l3[pt_index(VA_VCPU, 3)]);
	if (l2)
		pte_write(&l2[pt_index(VA_VCPU_TABLES, 2)], pte_make(public_mfn(l2), PAGE_HV_RW));
	return l2;
}

static pte_t *make_l1e(struct vcpu *v, u64 va)
{
	pte_t *l2 = make_l2(v), *l1;

	if (!l2)
		return NULL;
	l1 = table_below(public_mfn(l2), pt_index(va, 2));
	if (!l1)
		l1 = new_table(&l2[pt_index(va, 2)]);
	return l1 ? l1 + pt_index(va, 1) : NULL;
}

int create_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, bool populate)
{
	ASSERT(in_area(va, nr) && (v == current || v->on_cpu == NO_CPU));
	for (; nr; nr--, va += PAGE_SIZE) {
		pte_t *pe = make_l1e(v, va);
		mfn_t m;

		if (!pe)
			return -ENOMEM;
		ASSERT(!pte_present(pte_read(pe)));
		if (!populate)
			continue;
		m = page_alloc(ALLOC_VCPU, 0, 0);
		if (!mfn_is_valid_num(m))
			return -ENOMEM;
		pte_write(pe, pte_make(m, PAGE_HV_RW | PERDOMAIN_OWNED));
	}
	return 0;
}

/* ---- Using ---------------------------------------------------------------------------------- */

/* The loaded area is the hot case: it gets along without the registers that a walk wants. */
static __noinline void populate_elsewhere(const struct vcpu *v, u64 va, unsigned nr,
					  const mfn_t *mfn, u64 flags)
{
	ASSERT(v->on_cpu == NO_CPU);
	for (; nr; nr--, va += PAGE_SIZE, mfn++) {
		pte_t *pe = walk_l1e(v, va);

		ASSERT(!(pte_read(pe) & PERDOMAIN_OWNED));
		pte_write(pe, pte_make(*mfn, flags));
	}
}

void populate_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr, const mfn_t *mfn, u64 flags)
{
	ASSERT(in_area(va, nr) && !vcpu_is_idle(v));
	if (unlikely(v != current)) {
		populate_elsewhere(v, va, nr, mfn, flags);
		return;
	}
	for (; nr; nr--, va += PAGE_SIZE, mfn++) {
		pte_t *pe = linear_l1e(va), old = pte_read(pe);

		ASSERT(!(old & PERDOMAIN_OWNED));
		pte_write(pe, pte_make(*mfn, flags));
		/* The vcpu's only CPU is this one: no other TLB has its area. */
		if (pte_present(old))
			tlb_invlpg(va);
	}
}

bool perdomain_is_mapped(u64 va)
{
	return pte_present(pte_read(linear_l1e(va)));
}

mfn_t perdomain_mfn(const struct vcpu *v, u64 va)
{
	const pte_t *pe = walk_l1e(v, va);

	return pe && pte_present(pte_read(pe)) ? pte_mfn(pte_read(pe)) : INVALID_MFN;
}

/* ---- Taking apart --------------------------------------------------------------------------- */

/* Frames through page_info.next; nothing shows them any more. */
static __noinline void free_owned(u32 owned)
{
	while (owned) {
		mfn_t m = _mfn(owned);

		owned = page_of(m)->next;
		page_free(ALLOC_VCPU, m, 0);
	}
}

/* Add the frame of @old, which is no entry any more, to the list @owned if it has to be freed. */
static __always_inline u32 collect(pte_t old, u32 owned)
{
	if (likely(!(old & PERDOMAIN_OWNED)))
		return owned;
	page_of(pte_mfn(old))->next = owned;
	return mfn_x(pte_mfn(old));
}

/* No TLB holds the area, so nothing is flushed. */
static __noinline void destroy_elsewhere(const struct vcpu *v, u64 va, unsigned nr)
{
	u32 owned = 0;

	ASSERT(v->on_cpu == NO_CPU);
	for (; nr; nr--, va += PAGE_SIZE) {
		pte_t *pe = walk_l1e(v, va), old = pe ? pte_read(pe) : 0;

		if (!pte_present(old))
			continue;
		pte_write(pe, 0);
		owned = collect(old, owned);
	}
	free_owned(owned);
}

void destroy_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr)
{
	u32 owned = 0;

	ASSERT(in_area(va, nr) && !vcpu_is_idle(v));
	if (unlikely(v != current)) {
		destroy_elsewhere(v, va, nr);
		return;
	}
	for (; nr; nr--, va += PAGE_SIZE) {
		pte_t *pe = linear_l1e_if_any(va), old = pe ? pte_read(pe) : 0;

		if (!pte_present(old))
			continue;
		pte_write(pe, 0);
		tlb_invlpg(va);
		owned = collect(old, owned);
	}
	/* After the flush: it may be anybody's from now on (TLB-3). */
	if (unlikely(owned))
		free_owned(owned);
}

void free_perdomain_tables(struct vcpu *v)
{
	pte_t *l2 = area_l2(v);

	ASSERT(v != current && v->on_cpu == NO_CPU);
	for (unsigned i = 0; l2 && i < AREA_L1S; i++)
		if (pte_present(pte_read(&l2[i])))
			free_public_page(public_ptr(pte_mfn(pte_read(&l2[i]))));
	if (l2)
		free_public_page(l2);
	if (mfn_is_valid_num(v->area_l3))
		free_public_page(public_ptr(v->area_l3));
	v->area_l3 = INVALID_MFN;
}
