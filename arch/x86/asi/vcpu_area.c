/* SPDX-License-Identifier: MIT */
/*
 * vCPU areas: tables and private pages behind slot 258. Tables are public pages, the private pages
 * class "vcpu". Four of each for a vcpu, whatever the number of CPUs.
 */
#include <isola/errno.h>
#include <isola/memmap.h>
#include <asm/bootmem.h>
#include <asm/desc.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>

#define GDT_PAGES	16u

mfn_t idle_area_l3;

static u64 page_va(unsigned page)
{
	return VA_VCPU + ((u64)page << PAGE_SHIFT);
}

/* What is behind the GDT window where no guest has set anything. */
static mfn_t gdt_window_frame(unsigned i)
{
	const void *page = i == VCPU_PAGE_GDT_HV ? (void *)hv_gdt_page : hv_zero_page;

	return maddr_to_mfn(image_va_to_maddr(page));
}

/* Tables of its own by hand: it is part of the boot root, and nothing in it ever changes. */
void vcpu_area_init_idle(void)
{
	/* public: area tables */
	pte_t *l3 = bootmem_public_page(), *l2 = bootmem_public_page(), *l1 = bootmem_public_page();

	pte_write(&l3[pt_index(VA_VCPU, 3)], pte_make(public_mfn(l2), PAGE_HV_RW));
	pte_write(&l2[pt_index(VA_VCPU, 2)], pte_make(public_mfn(l1), PAGE_HV_RW));
	for (unsigned i = 0; i < GDT_PAGES; i++)
		pte_write(&l1[VCPU_PAGE_GDT + i], pte_make(gdt_window_frame(i), PAGE_HV_RO));
	idle_area_l3 = public_mfn(l3);
}

static void fill_gdt_window(struct vcpu *v)
{
	mfn_t frame[GDT_PAGES];

	for (unsigned i = 0; i < GDT_PAGES; i++)
		frame[i] = gdt_window_frame(i);
	populate_perdomain_mapping(v, VA_GDT, GDT_PAGES, frame, PAGE_HV_RO);
}

int vcpu_area_create(struct vcpu *v)
{
	if (create_perdomain_mapping(v, VA_GDT, VCPU_PAGE_PRIVATE, false) ||
	    create_perdomain_mapping(v, VA_MAPCACHE, VCPU_MAPCACHE_SLOTS, false) ||
	    create_perdomain_mapping(v, VA_VCPU_PRIVATE, VCPU_PRIVATE_PAGES, true)) {
		vcpu_area_destroy(v);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++)
		v->private_mfn[i] = perdomain_mfn(v, page_va(VCPU_PAGE_PRIVATE + i));
	fill_gdt_window(v);
	return 0;
}

void vcpu_area_destroy(struct vcpu *v)
{
	destroy_perdomain_mapping(v, VA_GDT, VCPU_NR_PAGES);
	destroy_perdomain_mapping(v, VA_MAPCACHE, VCPU_MAPCACHE_SLOTS);
	free_perdomain_tables(v);
	for (unsigned i = 0; i < VCPU_PRIVATE_PAGES; i++)
		v->private_mfn[i] = INVALID_MFN;
}

void vcpu_area_clear_gdt_page(struct vcpu *v, unsigned i)
{
	mfn_t zeroes = gdt_window_frame(i);

	populate_perdomain_mapping(v, page_va(VCPU_PAGE_GDT + i), 1, &zeroes, PAGE_HV_RO);
}

void vcpu_area_clear_descs(struct vcpu *v)
{
	for (unsigned i = 0; i < VCPU_PAGE_GDT_HV; i++)
		vcpu_area_clear_gdt_page(v, i);
	destroy_perdomain_mapping(v, VA_LDT, PV_LDT_FRAMES);
}
