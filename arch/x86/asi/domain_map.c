/* SPDX-License-Identifier: MIT */
/*
 * The memory window: who has which frame at VA_WINDOW + m.
 *
 * A domain's window tables are public pages written under page_lock. Leaves are 4 KiB entries, or a
 * 2 MiB one where an aligned block of order 9 was assigned whole; a large one is split before a
 * frame of it leaves.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/asi_policy.h>
#include <asm/bootmem.h>
#include <asm/cpu_window.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/m2p.h>
#include <asm/pgentry.h>
#include <asm/percpu.h>
#include <asm/tlb.h>

#define L2_FRAMES 512u

/* Entries of slots 262..271 for a root that shows all RAM: boot, asi=off. */
u64 window_all_ram[NR_WINDOW_SLOTS];
static unsigned window_slot(mfn_t m)
{
	return (mfn_x(m) << PAGE_SHIFT) >> L4_SHIFT;
}

/* All RAM by 2 MiB pages, before the first root is made. */
void window_init(void)
{
	for (unsigned i = 0; i < memmap_nr(); i++) {
		const struct memmap_entry *e = memmap_entry(i);
		u64 at = ROUNDDOWN(e->addr, MIB(2)),
		    end = min(e->addr + e->size, max_page << PAGE_SHIFT);

		if (e->type != 1)
			continue;
		for (; at < end; at += MIB(2)) {
			u64 va = VA_WINDOW + at;
			u64 *l4e = &window_all_ram[window_slot(maddr_to_mfn(at))];
			pte_t *l3, *l2;

			/* public: window tables */
			if (!pte_present(*l4e))
				*l4e = pte_make(public_mfn(bootmem_public_page()), PAGE_HV_TABLE);
			l3 = public_ptr(pte_mfn(*l4e));
			if (!pte_present(l3[pt_index(va, 3)]))
				l3[pt_index(va, 3)] = pte_make(public_mfn(bootmem_public_page()),
							       PAGE_HV_TABLE);
			l2 = public_ptr(pte_mfn(l3[pt_index(va, 3)]));
			l2[pt_index(va, 2)] = pte_make(maddr_to_mfn(at), PAGE_HV_RW | PTE_PS);
		}
	}
}

void window_fill_root(u64 *l4, const struct domain *d)
{
	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++) {
		u64 e = 0;

		if (d && asi_class_of(d)->vcpu_pt)
			e = mfn_is_valid_num(d->window_l3[i])
				    ? pte_make(d->window_l3[i], PAGE_HV_TABLE)
				    : 0;
		else if (d || !asi_policy.pv.vcpu_pt)
			e = window_all_ram[i];
		pte_write(&l4[L4_SLOT_WINDOW_FIRST + i], e);
	}
}

/* page_lock held. The table below *@pe, made when absent. NULL: no memory. */
static pte_t *table_below(struct domain *d, pte_t *pe)
{
	pte_t *t;

	if (pte_present(*pe))
		return public_ptr(pte_mfn(*pe));
	t = alloc_public_page(); /* public: window tables */
	if (t) {
		d->nr_window_tables++;
		pte_write(pe, pte_make(public_mfn(t), PAGE_HV_TABLE));
	}
	return t;
}

/* page_lock held. The L2 entry that covers @m, tables made as needed. NULL: no memory. */
static pte_t *window_l2e(struct domain *d, mfn_t m)
{
	u64 va = (u64)window_ptr(m);
	mfn_t *l3_mfn = &d->window_l3[window_slot(m)];
	pte_t *l2;

	if (!mfn_is_valid_num(*l3_mfn)) {
		/*
		 * Roots are filled when they are made (T13): every L3 that a domain's memory can
		 * need exists by then.
		 */
		void *l3 = alloc_public_page(); /* public: window tables */

		if (!l3)
			return NULL;
		d->nr_window_tables++;
		*l3_mfn = public_mfn(l3);
	}
	l2 = table_below(d, (pte_t *)public_ptr(*l3_mfn) + pt_index(va, 3));
	return l2 ? l2 + pt_index(va, 2) : NULL;
}

int window_prepare(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->page_lock);
	for (unsigned i = 0; i <= window_slot(_mfn(max_page - 1)) && !rc; i++)
		if (!window_l2e(d, maddr_to_mfn((u64)i << L4_SHIFT)))
			rc = -ENOMEM;
	spin_unlock(&d->page_lock);
	return rc;
}

/* page_lock held. All or nothing but for tables, which stay. */
static int window_map(struct domain *d, mfn_t first, unsigned order)
{
	for (u64 done = 0; done < 1ul << order; ) {
		mfn_t m = mfn_add(first, done);
		pte_t *pl2e = window_l2e(d, m), *l1;

		if (!pl2e)
			return -ENOMEM;
		if (order >= 9 && !pte_present(*pl2e)) {
			pte_write(pl2e, pte_make(m, PAGE_HV_RW | PTE_PS));
			done += L2_FRAMES;
			continue;
		}
		l1 = table_below(d, pl2e);
		if (!l1)
			return -ENOMEM;
		pte_write(&l1[pt_index((u64)window_ptr(m), 1)], pte_make(m, PAGE_HV_RW));
		done++;
	}
	return 0;
}

/* page_lock held: d's list of owned frames. */
static void list_add(struct domain *d, struct page_info *pg)
{
	u32 n = mfn_x(page_mfn(pg));

	pg->prev = 0;
	pg->next = d->page_list;
	if (d->page_list)
		page_of(_mfn(d->page_list))->prev = n;
	d->page_list = n;
}

static void list_del(struct domain *d, struct page_info *pg)
{
	if (pg->prev)
		page_of(_mfn(pg->prev))->next = pg->next;
	else
		d->page_list = pg->next;
	if (pg->next)
		page_of(_mfn(pg->next))->prev = pg->prev;
	pg->prev = pg->next = 0;
}

/*
 * page_lock held, the window shows them: 2^order scrubbed frames become d's, with @refs general
 * references and @type_info, as nobody else can see them before.
 */
static void own_frames(struct domain *d, mfn_t first, unsigned order, u64 refs, u64 type_info)
{
	for (u32 i = 0; i < 1u << order; i++) {
		struct page_info *pg = page_of(mfn_add(first, i));

		pg->owner = d->domid;
		pg->type_info = type_info;
		pg->tlb_stamp = 0;
		list_add(d, pg);
		/* Last: from here on page_get() succeeds. The frame was scrubbed under PGC_hv. */
		__atomic_store_n(&pg->count_info, PGC_allocated | refs, __ATOMIC_RELEASE);
	}
}

int domain_assign_pages(struct domain *d, mfn_t first, unsigned order)
{
	u32 nr = 1u << order;
	int rc = -ENOMEM;

	spin_lock(&d->page_lock);
	if (nr > d->max_pages - d->nr_pages)		/* MEM-3 */
		goto out;
	rc = window_map(d, first, order);
	if (rc)
		goto out;
	own_frames(d, first, order, 1, PGT_none);
	d->nr_pages += nr;
out:
	spin_unlock(&d->page_lock);
	return rc;
}

int domain_prepare_pages(struct domain *d, mfn_t first, unsigned order)
{
	pte_t *pl2e;
	int rc = 0;

	spin_lock(&d->page_lock);
	for (u64 done = 0; done < 1ul << order && !rc; done += L2_FRAMES) {
		pl2e = window_l2e(d, mfn_add(first, done));
		/* An absent entry becomes a large page; tables, once made, stay. */
		if (!pl2e || ((order < 9 || pte_present(*pl2e)) && !table_below(d, pl2e)))
			rc = -ENOMEM;
	}
	spin_unlock(&d->page_lock);
	return rc;
}

void domain_adopt_pages(struct domain *d, mfn_t first, unsigned order)
{
	spin_lock(&d->page_lock);
	BUG_ON(window_map(d, first, order));
	own_frames(d, first, order, 1, PGT_none);
	spin_unlock(&d->page_lock);
}

int domain_add_special_page(struct domain *d, mfn_t *m)
{
	int rc;

	*m = page_alloc(ALLOC_DOMAIN, 0, 0);
	if (!mfn_is_valid_num(*m))
		return -ENOMEM;
	spin_lock(&d->page_lock);
	rc = window_map(d, *m, 0);
	if (!rc)
		own_frames(d, *m, 0, 2, PGT_writable | PGT_validated | 1);
	spin_unlock(&d->page_lock);
	if (rc)
		page_free(ALLOC_DOMAIN, *m, 0);
	return rc;
}

/*
 * page_lock held. Replace a 2 MiB leaf by 512 small ones: same translation, so no flush is due
 * before one of them changes.
 */
static pte_t *split_large(struct domain *d, pte_t *pl2e)
{
	pte_t *l1 = alloc_public_page(); /* public: window tables */
	mfn_t first = pte_mfn(*pl2e);

	if (!l1)
		return NULL;
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		l1[i] = pte_make(mfn_add(first, i), PAGE_HV_RW);
	d->nr_window_tables++;
	pte_write(pl2e, pte_make(public_mfn(l1), PAGE_HV_TABLE));
	return l1;
}

/*
 * page_lock held. Only the allocation reference is left, and from now on no get succeeds (MEM-4).
 */
static int withdraw(struct domain *d, struct page_info *pg)
{
	u64 only = PGC_allocated | 1;
	pte_t *pl2e;

	if (pg->owner != d->domid ||
	    !__atomic_compare_exchange_n(&pg->count_info, &only, PGC_leaving | PGC_allocated | 1,
					 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return -EBUSY;
	pl2e = window_l2e(d, page_mfn(pg));
	if (!pl2e || ((*pl2e & PTE_PS) && !split_large(d, pl2e))) {
		pg->count_info = PGC_allocated | 1;
		return -ENOMEM;
	}
	list_del(d, pg);
	return 0;
}

/*
 * page_lock held, @pg withdrawn: out of the window, and parked until the flush that covers it
 * (TLB-3).
 */
static void expel(struct domain *d, struct page_info *pg)
{
	mfn_t m = page_mfn(pg);
	pte_t *l1 = table_below(d, window_l2e(d, m));

	pte_write(&l1[pt_index((u64)window_ptr(m), 1)], 0);
	pg->next = d->leaving_list;
	d->leaving_list = mfn_x(m);
}

int domain_release_page(struct domain *d, mfn_t m)
{
	struct page_info *pg = page_of(m);
	int rc;

	spin_lock(&d->page_lock);
	rc = withdraw(d, pg);
	if (!rc) {
		/* Before anybody else can own it. */
		m2p_set(m, INVALID_M2P);
		expel(d, pg);
		d->nr_pages--;
	}
	spin_unlock(&d->page_lock);
	return rc;
}

int domain_withdraw_page(struct domain *d, mfn_t m, u32 *list)
{
	struct page_info *pg = page_of(m);
	int rc;

	spin_lock(&d->page_lock);
	rc = withdraw(d, pg);
	if (!rc) {
		pg->next = *list;
		*list = mfn_x(m);
	}
	spin_unlock(&d->page_lock);
	return rc;
}

static struct page_info *pop_frame(u32 *list)
{
	struct page_info *pg = page_of(_mfn(*list));

	*list = pg->next;
	return pg;
}

void domain_expel_pages(struct domain *d, u32 *list)
{
	spin_lock(&d->page_lock);
	while (*list)
		expel(d, pop_frame(list));
	spin_unlock(&d->page_lock);
}

void domain_readmit_pages(struct domain *d, u32 *list)
{
	spin_lock(&d->page_lock);
	while (*list) {
		struct page_info *pg = pop_frame(list);

		list_add(d, pg);
		__atomic_store_n(&pg->count_info, PGC_allocated | 1, __ATOMIC_RELEASE);
	}
	spin_unlock(&d->page_lock);
}

void domain_release_flush(struct domain *d)
{
	u32 n;

	if (!READ_ONCE(d->leaving_list))
		return;
	/* Taken before the flush: what another vcpu adds meanwhile is not covered by it (TLB-3). */
	spin_lock(&d->page_lock);
	n = d->leaving_list;
	d->leaving_list = 0;
	spin_unlock(&d->page_lock);
	/*
	 * Every CPU that runs this domain may hold the window's entry or the guest's own stale
	 * mapping.
	 */
	tlb_flush_vcpus(d, ~0ul, ~0ul);
	while (n) {
		struct page_info *pg = page_of(_mfn(n));
		u32 next = pg->next;

		/*
		 * Nobody's, but not free before page_free(): what was left in it is wiped here, not
		 * when somebody asks for it (LEAK-2).
		 */
		pg->count_info = PGC_hv;
		scrub_frame(_mfn(n));
		page_free(ALLOC_DOMAIN, _mfn(n), 0);
		n = next;
	}
}
