/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's shared tables (slots 256, 259, 260).
 *
 * Every table here is a public page, so it is read and written at public_ptr() on any root. Entries
 * only ever go from absent to present: no CPU can hold a stale translation, and no flush is due.
 */
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/printk.h>
#include <isola/spinlock.h>
#include <asm/bootmem.h>
#include <asm/hyper_pt.h>

static spinlock_t hyper_pt_lock = SPINLOCK_INIT(LOCK_HYPER_PT);

/* L3 of each shared slot; hyper_slot() finds the right one. */
static pte_t *shared_l3[3];

/*
 * One spare table, so that growing the public pool never needs the public pool. Refilled after use.
 */
static pte_t *spare_table;

static pte_t **hyper_slot(u64 va)
{
	switch (pt_index(va, 4)) {
	case L4_SLOT_M2P:
		return &shared_l3[0];
	case L4_SLOT_PUBLIC:
		return &shared_l3[1];
	case L4_SLOT_FRAMETABLE:
		return &shared_l3[2];
	}
	BUG();
}

static u64 table_flags(u64 va)
{
	/*
	 * The M2P is guest-readable: the upper levels must allow user access, the leaves decide on
	 * writing.
	 */
	return PAGE_HV_TABLE | (pt_index(va, 4) == L4_SLOT_M2P ? PTE_US : 0);
}

/* The table that entry @pe names; makes one (from @fresh if given) when absent. NULL: no memory. */
static pte_t *table_below(pte_t *pe, u64 flags, pte_t **fresh)
{
	pte_t *t;

	if (pte_present(*pe))
		return public_ptr(pte_mfn(*pe));
	if (fresh) {
		t = *fresh;
		*fresh = NULL;
	} else {
		t = bootmem_public_page(); /* public: shared tables */
	}
	if (t)
		pte_write(pe, pte_make(public_mfn(t), flags));
	return t;
}

int hyper_map(u64 va, mfn_t m, bool large, u64 flags)
{
	pte_t *l2, *l1;
	int rc = -ENOMEM;

	spin_lock(&hyper_pt_lock);
	l2 = table_below(*hyper_slot(va) + pt_index(va, 3), table_flags(va), NULL);
	if (!l2)
		goto out;
	if (large) {
		ASSERT(!pte_present(l2[pt_index(va, 2)]));
		pte_write(l2 + pt_index(va, 2), pte_make(m, flags | PTE_PS));
		rc = 0;
		goto out;
	}
	l1 = table_below(l2 + pt_index(va, 2), table_flags(va), NULL);
	if (!l1)
		goto out;
	pte_write(l1 + pt_index(va, 1), pte_make(m, flags));
	rc = 0;
out:
	spin_unlock(&hyper_pt_lock);
	return rc;
}

int hyper_map_public_block(mfn_t first)
{
	u64 va = (u64)public_ptr(first);
	pte_t *l2 = NULL;

	spin_lock(&hyper_pt_lock);
	if (spare_table || pte_present(shared_l3[1][pt_index(va, 3)]))
		l2 = table_below(shared_l3[1] + pt_index(va, 3), PAGE_HV_TABLE, &spare_table);
	if (l2)
		pte_write(l2 + pt_index(va, 2), pte_make(first, PAGE_HV_RW | PTE_PS));
	spin_unlock(&hyper_pt_lock);
	return l2 ? 0 : -ENOMEM;
}

bool hyper_pt_is_short(void)
{
	return !spare_table;
}

void hyper_pt_refill(void *table)
{
	spare_table = table;
}

void hyper_pt_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(shared_l3); i++)
		shared_l3[i] = bootmem_public_page(); /* public: shared tables */
	hyper_pt_refill(bootmem_public_page()); /* public: shared tables */
}

void hyper_pt_map_boot_blocks(void)
{
	/* A table taken here may open a further block: the count is read anew. */
	for (unsigned i = 0; i < bootmem_nr_public_blocks(); i++) {
		BUG_ON(hyper_map_public_block(bootmem_public_block(i)));
		if (hyper_pt_is_short())
			hyper_pt_refill(bootmem_public_page()); /* public: shared tables */
	}
}

void hyper_fill_root(u64 *l4, bool m2p)
{
	l4[L4_SLOT_M2P] = m2p ? pte_make(public_mfn(shared_l3[0]), PAGE_HV_TABLE | PTE_US) : 0;
	l4[L4_SLOT_PUBLIC] = pte_make(public_mfn(shared_l3[1]), PAGE_HV_TABLE);
	l4[L4_SLOT_FRAMETABLE] = pte_make(public_mfn(shared_l3[2]), PAGE_HV_TABLE);
}
