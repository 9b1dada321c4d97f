/* SPDX-License-Identifier: MIT */
/*
 * A domain's bootstrap page tables: written as plain data, then typed and pinned by the very code
 * that checks a guest's own (page_pin), so nothing here is trusted.
 */
#include <isola/errno.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/console_ring.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/preempt.h>
#include <asm/visit.h>

/*
 * What bootstrap entries look like: a guest's own kernel would have no US bit, the check adds it.
 */
#define BOOT_TABLE	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define BOOT_RW		(PTE_P | PTE_RW | PTE_US | PTE_A)
#define BOOT_RO		(PTE_P | PTE_US | PTE_A)

/* The table that entry @index of @table names; a new one is the page at *@cursor. */
static mfn_t table_below(const struct build_plan *p, mfn_t table, unsigned index, u64 *cursor)
{
	pte_t *entries = map_domain_page(table);
	mfn_t below;

	if (!pte_present(entries[index]))
		entries[index] = pte_make(p->p2m[(*cursor)++], BOOT_TABLE);
	below = pte_mfn(entries[index]);
	unmap_domain_page(entries);
	return below;
}

static void map_page(const struct build_plan *p, u64 va, u64 pfn, u64 flags, u64 *cursor)
{
	mfn_t l3 = table_below(p, p->p2m[p->tables_pfn], pt_index(va, 4), cursor);
	mfn_t l2 = table_below(p, l3, pt_index(va, 3), cursor);
	pte_t *l1 = map_domain_page(table_below(p, l2, pt_index(va, 2), cursor));

	l1[pt_index(va, 1)] = pte_make(p->p2m[pfn], flags);
	unmap_domain_page(l1);
}

static bool is_table(const struct build_plan *p, u64 pfn)
{
	return pfn - p->tables_pfn < p->nr_tables || pfn - p->p2m_tables_pfn < p->nr_p2m_tables;
}

/* Page @i of those that are mapped: the initial mapping's, then those of the p2m list. */
static void map_nth(struct build_plan *p, u64 i)
{
	if (i < p->end_pfn) {
		map_page(p, plan_va(p, i), i, is_table(p, i) ? BOOT_RO : BOOT_RW, &p->next_table);
		return;
	}
	i -= p->end_pfn;
	map_page(p, p->p2m_va + (i << PAGE_SHIFT), p->p2m_pfn + i, BOOT_RW, &p->next_p2m_table);
}

int build_tables_write(struct build_plan *p)
{
	u64 end = p->end_pfn + (p->elf.notes.has_init_p2m ? p->nr_p2m_pages : 0);

	while (p->cursor < end) {
		map_nth(p, p->cursor++);
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	BUG_ON(p->next_table > p->tables_pfn + p->nr_tables);
	BUG_ON(p->next_p2m_table > p->p2m_tables_pfn + p->nr_p2m_tables);
	return 0;
}

/* By value: on a visit nothing of the plan's scratch is in sight. */
struct taken {
	mfn_t l4, console;
};

static int take(struct domain *d, void *arg)
{
	const struct taken *t = arg;
	int rc = page_pin(d, t->l4, PGT_l4);

	if (rc == -ERESTART || rc == -EINTR)
		return -ERESTART;
	if (rc || page_get_and_type(page_of(t->l4), d, PGT_l4))
		panic("the bootstrap page tables are refused by our own check: %d", rc);
	if (mfn_is_valid_num(t->console))
		console_ring_create(d, t->console);
	return 0;
}

int build_tables_take(struct build_plan *p)
{
	struct taken t = {
		.l4 = p->p2m[p->tables_pfn],
		.console = p->privileged ? INVALID_MFN : p->p2m[p->console_pfn],
	};

	return boot_root_loaded() ? take(p->d, &t) : visit(p->d, take, &t);
}
