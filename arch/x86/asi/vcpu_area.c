/* SPDX-License-Identifier: MIT */
/*
 * vCPU areas: tables and private pages behind slot 258. Tables are public pages, the private pages
 * class "vcpu".
 *
 *   L3 -> one L2 -> L1 "desc" (GDT window, LDT window, private pages), L1 "mapcache"
 * Four tables and four private pages for each vcpu, whatever the number of CPUs. Only the vcpu's
 * own code, running on its own root, changes the entries once it has been started.
 */
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/memmap.h>
#include <asm/bootmem.h>
#include <asm/desc.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/tlb.h>
#include <asm/vcpu_area.h>

mfn_t idle_area_l3;

static mfn_t image_frame(const void *p)
{
	return maddr_to_mfn(image_va_to_maddr(p));
}

static bool in_gdt_window(u64 va)
{
	return va < VA_LDT;
}

/* What an unset page of the descriptor window shows. */
static pte_t empty_entry(u64 va)
{
	return in_gdt_window(va) ? pte_make(image_frame(hv_zero_page), PAGE_HV_RO) : 0;
}

static void fill_gdt_window(pte_t *l1)
{
	for (unsigned i = 0; i < 16; i++)
		pte_write(&l1[VCPU_PAGE_GDT + i], pte_make(image_frame(hv_zero_page), PAGE_HV_RO));
	pte_write(&l1[VCPU_PAGE_GDT + VCPU_PAGE_GDT_HV],
		  pte_make(image_frame(hv_gdt_page), PAGE_HV_RO));
}

/* Link @l3 -> @l2 -> @l1 for VA_VCPU. */
static void link_tables(pte_t *l3, pte_t *l2, pte_t *l1)
{
	pte_write(&l3[pt_index(VA_VCPU, 3)], pte_make(public_mfn(l2), PAGE_HV_TABLE));
	pte_write(&l2[pt_index(VA_VCPU, 2)], pte_make(public_mfn(l1), PAGE_HV_TABLE));
	fill_gdt_window(l1);
}

void vcpu_area_init_idle(void)
{
	pte_t *l3 = bootmem_public_page(); /* public: area tables */

	link_tables(l3, bootmem_public_page(), bootmem_public_page());
	idle_area_l3 = public_mfn(l3);
}

static void free_tables(void *table[VCPU_AREA_TABLES], struct vcpu *v)
{
	for (unsigned i = 0; i < VCPU_AREA_TABLES; i++)
		if (table[i])
			free_public_page(table[i]);
	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++)
		if (mfn_is_valid_num(v->private_mfn[i]))
			page_free(ALLOC_VCPU, v->private_mfn[i], 0);
}

int vcpu_area_create(struct vcpu *v)
{
	/* public: area tables */
	void *table[VCPU_AREA_TABLES] = { alloc_public_page(), alloc_public_page(),
			   alloc_public_page(), alloc_public_page() };
	pte_t *l3 = table[0], *l2 = table[1], *l1 = table[2], *mapcache = table[3];
	bool short_of_memory = !l3 || !l2 || !l1 || !mapcache;

	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++) {
		v->private_mfn[i] = page_alloc(ALLOC_VCPU, 0, 0);
		short_of_memory |= !mfn_is_valid_num(v->private_mfn[i]);
	}
	if (short_of_memory) {
		free_tables(table, v);
		return -ENOMEM;
	}
	link_tables(l3, l2, l1);
	pte_write(&l2[pt_index(VA_MAPCACHE, 2)], pte_make(public_mfn(mapcache), PAGE_HV_TABLE));
	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++)
		pte_write(&l1[VCPU_PAGE_PRIVATE + i], pte_make(v->private_mfn[i], PAGE_HV_RW));
	v->area_l3 = public_mfn(l3);
	v->area_l1 = l1;
	v->mapcache_l1 = mapcache;
	return 0;
}

static void set_entry(u64 va, pte_t e)
{
	pte_t *pe = &current->area_l1[pt_index(va, 1)];
	pte_t old = pte_read(pe);

	ASSERT(va >= VA_GDT && va < VA_VCPU_PRIVATE && !vcpu_is_idle(current));
	pte_write(pe, e);
	/* The vcpu's only CPU is this one: no other TLB has its area. */
	if (pte_present(old))
		tlb_invlpg(va);
}

void vcpu_area_map(u64 va, mfn_t m, u64 flags)
{
	set_entry(va, pte_make(m, flags));
}

void vcpu_area_set(struct vcpu *v, u64 va, mfn_t m, u64 flags)
{
	ASSERT(va >= VA_GDT && va < VA_VCPU_PRIVATE && v != current);
	pte_write(&v->area_l1[pt_index(va, 1)], pte_make(m, flags));
}

void vcpu_area_unmap(u64 va)
{
	set_entry(va, empty_entry(va));
}
