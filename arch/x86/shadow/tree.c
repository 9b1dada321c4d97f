/* SPDX-License-Identifier: MIT */
/*
 * The trees of the current vcpu's shadow (asm/shadow_tree.h). No lock: nobody else reads them but
 * its own CPU's walker.
 */
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/precondition.h>
#include <asm/root.h>
#include <asm/shadow_tree.h>

#define PAGE_NR_SHIFT	52
#define TREE_FLAGS	(PTE_P | PTE_RW | PTE_US | PTE_A)

static const struct {
	u16 first, nr;
} pages[] = {
	[SHADOW_KERNEL] = { 0, SHADOW_SPLIT },
	[SHADOW_USER] = { SHADOW_SPLIT, VCPU_SHADOW_PAGES - SHADOW_SPLIT },
};

static pte_t *root_of(const struct vcpu *v, enum shadow_tree tree)
{
	return public_ptr(tree == SHADOW_KERNEL ? v->root_kernel : v->root_user);
}

static u64 page_va(unsigned nr)
{
	return VA_SHADOW + ((u64)nr << PAGE_SHIFT);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

void shadow_forget_tree(struct vcpu *v, enum shadow_tree tree)
{
	pte_t *root = root_of(v, tree);

	ASSERT_IRQS_OFF();
	memset(root, 0, L4_SLOT_HV_FIRST * sizeof(pte_t));
	memset(root + L4_SLOT_HV_LAST + 1, 0,
	       (PT_ENTRIES - 1 - L4_SLOT_HV_LAST) * sizeof(pte_t));
	v->shadow.nr_used[tree] = 0;
}

void shadow_forget(struct vcpu *v)
{
	shadow_forget_tree(v, SHADOW_KERNEL);
	shadow_forget_tree(v, SHADOW_USER);
}

/* The page of the current vcpu's that entry @e names; NULL: none. */
static pte_t *page_below(pte_t e)
{
	return pte_present(e) ? (pte_t *)page_va(e >> PAGE_NR_SHIFT & (VCPU_SHADOW_PAGES - 1))
			      : NULL;
}

static void forget_page_in(enum shadow_tree tree, u64 va)
{
	pte_t *table = root_of(current, tree);

	for (unsigned level = 4; table && level > 1; level--)
		table = page_below(pte_read(&table[pt_index(va, level)]));
	if (table)
		pte_write(&table[pt_index(va, 1)], 0);
}

/* On a visit the area of the vcpu is not in sight. */
void shadow_forget_page(u64 va)
{
	u64 flags = irq_save();

	if (this_cpu.visited) {
		shadow_forget(current);
	} else if (is_guest_address(va)) {
		forget_page_in(SHADOW_KERNEL, va);
		forget_page_in(SHADOW_USER, va);
	}
	irq_restore(flags);
}

/* ---- Growing --------------------------------------------------------------------------------- */

/* A new, empty table behind the entry @pe of @tree; NULL: the tree has all its pages. */
static pte_t *new_table(enum shadow_tree tree, pte_t *pe)
{
	struct vcpu *v = current;
	u64 nr = pages[tree].first + v->shadow.nr_used[tree];
	pte_t *table = (pte_t *)page_va(nr);

	if (v->shadow.nr_used[tree] == pages[tree].nr)
		return NULL;
	v->shadow.nr_used[tree]++;
	memset(table, 0, PAGE_SIZE);
	pte_write(pe, pte_make(perdomain_mfn(v, page_va(nr)), TREE_FLAGS) | nr << PAGE_NR_SHIFT);
	return table;
}

pte_t *shadow_l1e(enum shadow_tree tree, u64 va)
{
	pte_t *table = root_of(current, tree);

	ASSERT_IRQS_OFF();
	ASSERT(!is_hv_address(va));
	for (unsigned level = 4; level > 1; level--) {
		pte_t *pe = &table[pt_index(va, level)];

		table = page_below(pte_read(pe)) ?: new_table(tree, pe);
		if (!table) {
			root_reload();		/* forgets all there is */
			return NULL;
		}
	}
	return table + pt_index(va, 1);
}
