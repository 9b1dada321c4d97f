/* SPDX-License-Identifier: MIT */
/*
 * The references that a dying domain's page tables hold on others' frames (LIFE-3).
 *
 * Nothing else of its tables is taken apart. No vcpu of it will ever run, and no other domain's
 * entry or pin can stand for a type of its frames above writable (asm/page_type.h): so what its own
 * entries, pins, parked tables and descriptor windows say of its own frames is of no consequence,
 * and goes when the frames do (domain_discard_some()). What others hold of them is counted apart
 * (PGC_foreign_mask), and makes them orphans then (MEM-5). L2 to L4 entries name own tables only.
 *
 * A frame that is or was an L1 holds references by its first entries: all of them while it is
 * validated, [0, nr_validated) while it is partial (PRE-1), none while its count is 0. It is busy
 * for nobody: every CPU has left the domain's tables, and none stops in the middle of a step.
 * An own frame is known by its owner, which is right as long as no frame of the domain is free: an
 * entry that holds a reference on another's keeps that one from changing hands.
 */
#include <isola/errno.h>
#include <isola/printk.h>
#include <asm/foreign_entries.h>
#include <asm/frametable.h>
#include <asm/mapcache.h>
#include <asm/page_type.h>
#include <asm/pgentry.h>
#include <asm/preempt.h>
#include <asm/pt_check.h>

#define BUDGET	512u		/* frames, or entries, between two looks at whether to stop */

/* How many of @pg's entries, from the first on, hold references as L1 entries do. */
static unsigned nr_holding(const struct page_info *pg)
{
	u64 x = pg->type_info;

	if (type_level(x) != 1 || !(x & PGT_count_mask))
		return 0;
	if (x & PGT_validated)
		return PT_ENTRIES;
	BUG_ON(!(x & PGT_partial));
	return pg->nr_validated;
}

static bool is_foreign(const struct domain *d, pte_t e)
{
	return pte_present(e) && !is_io_frame(pte_mfn(e)) &&
	       page_of(pte_mfn(e))->owner != d->domid;
}

/* The first @nr entries of @pg. The domain holds it: it is none of its guest's any more. */
static void release_entries(const struct domain *d, const struct page_info *pg, unsigned nr)
{
	const pte_t *table = map_domain_page(page_mfn(pg));

	for (unsigned i = 0; i < nr; i++) {
		pte_t e = pte_read(&table[i]);

		if (is_foreign(d, e))
			pt_put_l1e(d, e);
	}
	unmap_domain_page(table);
}

int foreign_entries_release(struct domain *d)
{
	unsigned done = 0;

	while (d->end_frame) {
		const struct page_info *pg = page_of(_mfn(d->end_frame));
		unsigned nr = nr_holding(pg);

		if (nr)
			release_entries(d, pg, nr);
		d->end_frame = pg->next;
		done += nr ? nr : 1;
		if (done >= BUDGET) {
			done = 0;
			if (hypercall_preempt_check())
				return -ERESTART;
		}
	}
	return 0;
}
