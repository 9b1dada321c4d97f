/* SPDX-License-Identifier: MIT */
/*
 * The memory window's tables: see asm/window_tables.h.
 *
 * They are public pages. A table's page_info says of it
 *   nr_validated  its uses
 *   type_info     the first frame that it can show << PAGE_SHIFT, its level, and two flags below
 *   next          the domain's list of idle tables, while TABLE_LISTED; then that of those taken
 *                 out
 * Leaves are 4 KiB entries, or a 2 MiB one where an aligned block of order 9 was assigned whole; a
 * large one is split before a frame of it leaves.
 */
#include <isola/errno.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/asi_policy.h>
#include <asm/bootmem.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/precondition.h>
#include <asm/window_tables.h>

#define L2_FRAMES	512u
#define TABLE_LEVEL	7ul
#define TABLE_LISTED	8ul
#define TABLE_SPLIT	16ul		/* made by a split; no frame has left since */

/* Entries of slots 262..271 for a root that shows all RAM: boot, asi=off. */
u64 window_all_ram[NR_WINDOW_SLOTS];

static unsigned window_slot(mfn_t m)
{
	return (mfn_x(m) << PAGE_SHIFT) >> L4_SHIFT;
}

/* ---- Roots' entries -------------------------------------------------------------------------- */

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

/* ---- Finding --------------------------------------------------------------------------------- */

/* The entry of a table of @level on the way to @m. */
static pte_t *entry_of(pte_t *table, mfn_t m, unsigned level)
{
	return table + pt_index((u64)window_ptr(m), level);
}

/* The table of @level (3..1) on the way to @m; NULL: none, or a large entry stands in its place. */
static pte_t *table_at(const struct domain *d, mfn_t m, unsigned level)
{
	mfn_t at = d->window_l3[window_slot(m)];

	ASSERT_LOCKED(&d->page_lock);
	if (!mfn_is_valid_num(at))
		return NULL;
	for (unsigned l = 3; l > level; l--) {
		pte_t e = pte_read(entry_of(public_ptr(at), m, l));

		if (!pte_present(e) || (e & PTE_PS))
			return NULL;
		at = pte_mfn(e);
	}
	return public_ptr(at);
}

static struct page_info *info_of(const pte_t *table)
{
	return page_of(public_mfn(table));
}

static mfn_t first_shown(const struct page_info *info)
{
	return maddr_to_mfn(info->type_info);
}

static unsigned level_of(const struct page_info *info)
{
	return info->type_info & TABLE_LEVEL;
}

/* ---- Uses ------------------------------------------------------------------------------------ */

static bool is_idle(const struct page_info *info)
{
	return !info->nr_validated ||
	       (info->nr_validated == PT_ENTRIES && (info->type_info & TABLE_SPLIT));
}

static void list_if_idle(struct domain *d, struct page_info *info)
{
	if (likely(!is_idle(info)) || (info->type_info & TABLE_LISTED))
		return;
	info->type_info |= TABLE_LISTED;
	info->next = d->window_idle;
	d->window_idle = mfn_x(page_mfn(info));
}

static void use(const pte_t *table, unsigned n)
{
	info_of(table)->nr_validated += n;
}

static void unuse(struct domain *d, const pte_t *table, unsigned n)
{
	struct page_info *info = info_of(table);

	ASSERT(info->nr_validated >= n);
	info->nr_validated -= n;
	list_if_idle(d, info);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* A table of @level on the way to @m, with no use, that nothing names yet. NULL: no memory. */
static pte_t *new_table(struct domain *d, mfn_t m, unsigned level)
{
	u64 span = 1ul << (L1_SHIFT + 9 * level);
	pte_t *t = alloc_public_page(); /* public: window tables */

	if (!t)
		return NULL;
	d->nr_window_tables++;
	info_of(t)->type_info = ROUNDDOWN(mfn_to_maddr(m), span) | level;
	return t;
}

static pte_t *add_table(struct domain *d, mfn_t m, unsigned level)
{
	pte_t *t = new_table(d, m, level), *above;

	ASSERT_LOCKED(&d->page_lock);
	if (!t)
		return NULL;
	if (level == 3) {
		d->window_l3[window_slot(m)] = public_mfn(t);
		return t;
	}
	above = table_at(d, m, level + 1);
	pte_write(entry_of(above, m, level + 1), pte_make(public_mfn(t), PAGE_HV_TABLE));
	use(above, 1);
	return t;
}

/* Hold the table of @level on the way to @m. */
static int hold_table(struct domain *d, mfn_t m, unsigned level)
{
	pte_t *t = table_at(d, m, level);

	if (likely(t)) {
		use(t, 1);
		return 0;
	}
	for (unsigned l = 3; l >= level; l--) {
		pte_t *below = table_at(d, m, l);

		below = below ? below : add_table(d, m, l);
		if (!below) {
			if (t)
				list_if_idle(d, info_of(t));
			return -ENOMEM;
		}
		t = below;
	}
	use(t, 1);
	return 0;
}

/* Of up to 512 frames from @m: the L1; the L2, if one large entry will do. */
static unsigned level_held(const struct domain *d, mfn_t m, unsigned order)
{
	pte_t *l2, e;

	if (order < 9)
		return 1;
	l2 = table_at(d, m, 2);
	e = l2 ? pte_read(entry_of(l2, m, 2)) : 0;
	return !pte_present(e) || (e & PTE_PS) ? 2 : 1;
}

int window_hold(struct domain *d, mfn_t first, unsigned order)
{
	ASSERT_LOCKED(&d->page_lock);
	for (u64 done = 0; done < 1ul << order; done += L2_FRAMES) {
		mfn_t m = mfn_add(first, done);

		if (!hold_table(d, m, level_held(d, m, order)))
			continue;
		while (done) {
			done -= L2_FRAMES;
			window_unhold(d, mfn_add(first, done), min(order, 9u));
		}
		return -ENOMEM;
	}
	return 0;
}

void window_unhold(struct domain *d, mfn_t first, unsigned order)
{
	ASSERT_LOCKED(&d->page_lock);
	for (u64 done = 0; done < 1ul << order; done += L2_FRAMES) {
		mfn_t m = mfn_add(first, done);

		unuse(d, table_at(d, m, level_held(d, m, order)), 1);
	}
}

int window_prepare(struct domain *d)
{
	int rc = 0;

	spin_lock(&d->page_lock);
	for (unsigned i = 0; i <= window_slot(_mfn(max_page - 1)) && !rc; i++) {
		mfn_t m = maddr_to_mfn((u64)i << L4_SHIFT);

		rc = hold_table(d, m, 3);
		if (!rc)
			rc = hold_table(d, m, 2);
	}
	spin_unlock(&d->page_lock);
	return rc;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

void window_map(struct domain *d, mfn_t first, unsigned order)
{
	u32 nr = 1u << min(order, 9u);

	ASSERT_LOCKED(&d->page_lock);
	for (u64 done = 0; done < 1ul << order; done += L2_FRAMES) {
		mfn_t m = mfn_add(first, done);
		pte_t *l1 = table_at(d, m, 1), *l2;

		if (!l1) {
			l2 = table_at(d, m, 2);
			pte_write(entry_of(l2, m, 2), pte_make(m, PAGE_HV_RW | PTE_PS));
			continue;		/* its use is the hold's */
		}
		for (u32 i = 0; i < nr; i++)
			pte_write(entry_of(l1, m, 1) + i, pte_make(mfn_add(m, i), PAGE_HV_RW));
		use(l1, nr - 1);
	}
}

int window_split(struct domain *d, mfn_t m)
{
	pte_t *pl2e = entry_of(table_at(d, m, 2), m, 2), *l1;
	mfn_t first = pte_mfn(*pl2e);

	ASSERT_LOCKED(&d->page_lock);
	if (!(*pl2e & PTE_PS))
		return 0;
	l1 = new_table(d, m, 1);
	if (!l1)
		return -ENOMEM;
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		l1[i] = pte_make(mfn_add(first, i), PAGE_HV_RW);
	use(l1, PT_ENTRIES);
	info_of(l1)->type_info |= TABLE_SPLIT;
	pte_write(pl2e, pte_make(public_mfn(l1), PAGE_HV_TABLE));
	return 0;
}

void window_unmap(struct domain *d, mfn_t m)
{
	pte_t *l1 = table_at(d, m, 1);

	ASSERT_LOCKED(&d->page_lock);
	pte_write(entry_of(l1, m, 1), 0);
	info_of(l1)->type_info &= ~TABLE_SPLIT;
	unuse(d, l1, 1);
}

/* ---- Taking apart ---------------------------------------------------------------------------- */

/* Out of the table above, or back to one large entry. */
static void take_out(struct domain *d, struct page_info *info)
{
	mfn_t m = first_shown(info);
	unsigned level = level_of(info);
	pte_t *above;

	if (level == 3) {
		d->window_l3[window_slot(m)] = INVALID_MFN;
		return;
	}
	above = table_at(d, m, level + 1);
	if (info->nr_validated) {
		pte_write(entry_of(above, m, 2), pte_make(m, PAGE_HV_RW | PTE_PS));
		return;
	}
	pte_write(entry_of(above, m, level + 1), 0);
	unuse(d, above, 1);
}

u32 window_take_idle(struct domain *d)
{
	u32 taken = 0;

	/* What loses its last use by this joins the list: at most two levels of it. */
	while (d->window_idle) {
		struct page_info *info = page_of(_mfn(d->window_idle));

		d->window_idle = info->next;
		info->type_info &= ~TABLE_LISTED;
		if (!is_idle(info))
			continue;
		take_out(d, info);
		info->next = taken;
		taken = mfn_x(page_mfn(info));
	}
	return taken;
}

void window_free_tables(struct domain *d, u32 list)
{
	while (list) {
		mfn_t m = _mfn(list);

		list = page_of(m)->next;
		free_public_page(public_ptr(m));
		d->nr_window_tables--;
	}
}

/* Entries of @table that name frames, of one level: how many there were. */
static unsigned clear_leaves(pte_t *table, unsigned level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (pte_present(table[i]) && (level == 1 || (table[i] & PTE_PS))) {
			pte_write(&table[i], 0);
			n++;
		}
	return n;
}

static void clear_l2(struct domain *d, pte_t *l2)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		pte_t *l1 = public_ptr(pte_mfn(l2[i]));

		if (!pte_present(l2[i]) || (l2[i] & PTE_PS))
			continue;
		info_of(l1)->type_info &= ~TABLE_SPLIT;
		unuse(d, l1, clear_leaves(l1, 1));
	}
	unuse(d, l2, clear_leaves(l2, 2));
}

/* Progress, an entry of an L3 at a time, is in the domain. */
bool window_clear_some(struct domain *d)
{
	u32 i = d->window_cleared;
	mfn_t m = maddr_to_mfn((u64)i << L3_SHIFT);
	pte_t *l3, e;

	if (i == NR_WINDOW_SLOTS * PT_ENTRIES)
		return false;
	spin_lock(&d->page_lock);
	l3 = table_at(d, m, 3);
	e = l3 ? pte_read(entry_of(l3, m, 3)) : 0;
	if (pte_present(e))
		clear_l2(d, public_ptr(pte_mfn(e)));
	spin_unlock(&d->page_lock);
	d->window_cleared = l3 ? i + 1 : ROUNDDOWN(i, PT_ENTRIES) + PT_ENTRIES;
	return true;
}

/* The holds of window_prepare(), whether it came to its end or not; then everything is idle. */
void window_unprepare(struct domain *d)
{
	u32 tables;

	spin_lock(&d->page_lock);
	for (unsigned slot = 0; slot < NR_WINDOW_SLOTS; slot++) {
		mfn_t m = maddr_to_mfn((u64)slot << L4_SHIFT);

		for (unsigned level = 2; level <= 3; level++) {
			pte_t *t = table_at(d, m, level);

			if (t && info_of(t)->nr_validated)
				unuse(d, t, 1);
		}
	}
	tables = window_take_idle(d);
	spin_unlock(&d->page_lock);
	window_free_tables(d, tables);
	ASSERT(!d->nr_window_tables);
}
