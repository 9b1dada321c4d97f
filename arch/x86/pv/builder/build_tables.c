/* SPDX-License-Identifier: MIT */
/*
 * dom0's bootstrap page tables: written as plain data, then typed and pinned by the very code that
 * checks a guest's own (page_pin), so nothing here is trusted.
 */
#include <isola/errno.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/page_type.h>
#include <asm/pgentry.h>

/*
 * What bootstrap entries look like: a guest's own kernel would have no US bit, the check adds it.
 */
#define BOOT_TABLE	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define BOOT_RW		(PTE_P | PTE_RW | PTE_US | PTE_A)
#define BOOT_RO		(PTE_P | PTE_US | PTE_A)

/* The table below entry @pe; a new one is the page at *@cursor. */
static pte_t *table_below(const struct build_plan *p, pte_t *pe, u64 *cursor)
{
	if (!pte_present(*pe))
		*pe = pte_make(p->p2m[(*cursor)++], BOOT_TABLE);
	return window_ptr(pte_mfn(*pe));
}

static void map_page(const struct build_plan *p, u64 va, u64 pfn, u64 flags, u64 *cursor)
{
	pte_t *l3 = table_below(p, (pte_t *)plan_ptr(p, p->tables_pfn) + pt_index(va, 4), cursor);
	pte_t *l2 = table_below(p, l3 + pt_index(va, 3), cursor);
	pte_t *l1 = table_below(p, l2 + pt_index(va, 2), cursor);

	l1[pt_index(va, 1)] = pte_make(p->p2m[pfn], flags);
}

static bool is_table(const struct build_plan *p, u64 pfn)
{
	return pfn - p->tables_pfn < p->nr_tables || pfn - p->p2m_tables_pfn < p->nr_p2m_tables;
}

static void write_tables(const struct build_plan *p)
{
	u64 cursor = p->tables_pfn + 1, p2m_cursor = p->p2m_tables_pfn;

	for (u64 pfn = 0; pfn < p->end_pfn; pfn++)
		map_page(p, plan_va(p, pfn), pfn, is_table(p, pfn) ? BOOT_RO : BOOT_RW, &cursor);
	BUG_ON(cursor > p->tables_pfn + p->nr_tables);
	if (!p->elf.notes.has_init_p2m)
		return;
	for (u64 i = 0; i < p->nr_p2m_pages; i++)
		map_page(p, p->p2m_va + (i << PAGE_SHIFT), p->p2m_pfn + i, BOOT_RW, &p2m_cursor);
	BUG_ON(p2m_cursor > p->p2m_tables_pfn + p->nr_p2m_tables);
}

/* Type and pin the tables, and take the reference that the vcpu's base pointer holds. */
static void take_tables(const struct build_plan *p)
{
	mfn_t l4 = p->p2m[p->tables_pfn];
	int rc;

	do
		rc = page_pin(p->d, l4, PGT_l4);
	while (rc == -ERESTART || rc == -EINTR);
	if (rc || page_get_and_type(page_of(l4), p->d, PGT_l4))
		panic("the bootstrap page tables are refused by our own check: %d", rc);
}

void build_tables_make(const struct build_plan *p)
{
	write_tables(p);
	take_tables(p);
}
