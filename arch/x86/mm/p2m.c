/* SPDX-License-Identifier: MIT */
/*
 * p2m: see asm/p2m.h.
 *
 * To take a leaf away: under the lock clear it and advance the stamp; without the lock interrupt
 * every CPU that runs one of the domain's vcpus, and wait: an interrupt leaves the guest. Before it
 * enters again it compares stamps, and flushes (hvm/turns.c). So when the wait is over no CPU uses
 * the leaf, nor can use it again, and the reference may go. To fill a hole nothing is flushed: no
 * CPU caches an absent entry (APM vol. 2 §5.5).
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/lock_order.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/layout.h>
#include <asm/p2m_entry.h>
#include <asm/p2m_touch.h>
#include <asm/page_mark.h>
#include <asm/page_ref.h>
#include <asm/precondition.h>
#include <asm/tlb.h>

bool p2m_is_offered;

/* All that four levels can name. */
#define GFN_END		(1ul << 36)

pte_t *p2m_walk(const struct p2m *p, gfn_t gfn, unsigned *level)
{
	mfn_t table = p->root;

	for (*level = 4;; (*level)--) {
		pte_t *pe = p2m_entry(table, gfn, *level), e = pte_read(pe);

		if (!p2m_there(e) || p2m_is_leaf(e, *level))
			return pe;
		table = pte_mfn(e);
	}
}

mfn_t p2m_frame_in(pte_t e, gfn_t gfn, unsigned level)
{
	u64 low = p2m_span(level) - 1;

	if (!p2m_there(e))
		return INVALID_MFN;
	return mfn_add(pte_mfn(e & ~(low << PAGE_SHIFT)), gfn_x(gfn) & low);
}

mfn_t p2m_lookup(const struct p2m *p, gfn_t gfn)
{
	unsigned level;
	pte_t *pe;

	if (gfn_x(gfn) >= p->end)
		return INVALID_MFN;
	pe = p2m_walk(p, gfn, &level);
	return p2m_frame_in(pte_read(pe), gfn, level);
}

struct page_info *p2m_get_page(const struct domain *d, const struct p2m *p, gfn_t gfn)
{
	for (;;) {
		mfn_t m = p2m_lookup(p, gfn);
		struct page_info *pg;

		if (!mfn_is_valid_num(m))
			return NULL;
		pg = page_get_from_mfn(m, d);
		/* It may have left meanwhile, and come back elsewhere. */
		if (mfn_eq(p2m_lookup(p, gfn), m))
			return pg;
		if (pg)
			page_put(pg);
	}
}

static mfn_t look_up_open(const struct p2m *p, gfn_t gfn)
{
	ASSERT_LOCKED(&p->lock);
	return p->closed ? INVALID_MFN : p2m_lookup(p, gfn);
}

mfn_t p2m_lookup_foreign(struct p2m *p, gfn_t gfn)
{
	mfn_t m;

	spin_lock(&p->lock);
	m = look_up_open(p, gfn);
	spin_unlock(&p->lock);
	return m;
}

struct page_info *p2m_get_foreign(const struct domain *d, struct p2m *p, gfn_t gfn)
{
	struct page_info *pg = NULL;
	mfn_t m;

	spin_lock(&p->lock);
	m = look_up_open(p, gfn);
	if (mfn_is_valid_num(m) && page_get_foreign(page_of(m), d))
		pg = page_of(m);
	spin_unlock(&p->lock);
	return pg;
}

/* ---- Making ---------------------------------------------------------------------------------- */

int p2m_create(struct p2m *p, u64 end)
{
	pte_t *l4 = alloc_public_page(); /* public: nested tables */

	spin_lock_init(&p->lock, LOCK_P2M);
	p->root = l4 ? public_mfn(l4) : INVALID_MFN;
	p->end = min(end, GFN_END);
	p->highest = 0;
	p->stamp = 1;
	p->nr_tables = l4 ? 1 : 0;
	p->max_tables = ~0u;
	p->closed = false;
	p->destroyed = 0;
	p->left = 0;
	p->stores = 0;
	p->track = (struct p2m_track){ 0 };
	return l4 ? 0 : -ENOMEM;
}

/*
 * The 512 leaves that the leaf @e of 2 MiB is worth, at @table, as touched and as logged as it is.
 * The frames keep the references that they have.
 */
static void fill_split(pte_t *table, pte_t e)
{
	u64 flags = P2M_THERE | p2m_format->leaf | (e & (P2M_DUE | P2M_LOGGED));

	if (pte_present(e))
		flags |= p2m_valid(flags, 1);
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		pte_write(&table[i], pte_make(mfn_add(pte_mfn(e), i), flags));
}

/* A table below the entry @pe, with what it shows if it is a leaf. Lock held. -ENOMEM. */
static int make_table(struct p2m *p, pte_t *pe)
{
	pte_t e = pte_read(pe), *table;
	u64 flags = P2M_THERE | p2m_format->table | P2M_VALID;

	ASSERT_LOCKED(&p->lock);
	if (p->nr_tables >= p->max_tables)
		return -ENOMEM;
	table = alloc_public_page(); /* public: nested tables */
	if (!table)
		return -ENOMEM;
	if (p2m_there(e)) {
		fill_split(table, e);
		flags = (pte_present(e) ? flags : flags & ~P2M_VALID) | (e & P2M_DUE);
	}
	p->nr_tables++;
	/* What it shows, before it is shown: other CPUs walk. */
	barrier();
	pte_write(pe, pte_make(public_mfn(table), flags));
	return 0;
}

pte_t *p2m_make_way(struct p2m *p, gfn_t gfn, unsigned level)
{
	mfn_t table = p->root;

	ASSERT_LOCKED(&p->lock);
	for (unsigned l = 4; l > level; l--) {
		pte_t *pe = p2m_entry(table, gfn, l), e = pte_read(pe);

		if ((!p2m_there(e) || p2m_is_leaf(e, l)) && make_table(p, pe))
			return NULL;
		table = pte_mfn(pte_read(pe));
	}
	return p2m_entry(table, gfn, level);
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

static void put_frames(mfn_t first, u64 nr)
{
	while (nr--)
		page_put(page_of(mfn_add(first, nr)));
}

static int get_frames(const struct domain *d, mfn_t first, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		if (!page_get_from_mfn(mfn_add(first, i), d)) {
			put_frames(first, i);
			return -EINVAL;
		}
	return 0;
}

/* They have another name from now on (LOG-1). */
static void mark_dirty(mfn_t first, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		page_mark_dirty(page_of(mfn_add(first, i)));
}

/* The flags of a leaf of RAM of 2^@order frames. */
static u64 new_leaf(unsigned order)
{
	return P2M_THERE | p2m_format->leaf |
	       (order ? PTE_PS | p2m_format->large_valid : P2M_VALID);
}

static int add(struct p2m *p, gfn_t gfn, mfn_t first, unsigned order)
{
	unsigned level = order ? 2 : 1, at;
	pte_t *pe;

	spin_lock(&p->lock);
	if (p->closed) {
		spin_unlock(&p->lock);
		return -EINVAL;
	}
	p2m_walk(p, gfn, &at);
	/* Tables are not looked through for holes: where there is one nothing large fits. */
	if (at < level || p2m_there(pte_read(p2m_walk(p, gfn, &at)))) {
		spin_unlock(&p->lock);
		return -EEXIST;
	}
	pe = p2m_make_way(p, gfn, level);
	if (pe) {
		mark_dirty(first, 1ul << order);
		pte_write(pe, pte_make(first, new_leaf(order)));
		WRITE_ONCE(p->highest, max(p->highest, gfn_x(gfn) + (1ul << order) - 1));
		p2m_touch_locked(p, gfn);
	}
	spin_unlock(&p->lock);
	return pe ? 0 : -ENOMEM;
}

int p2m_add(struct domain *d, struct p2m *p, gfn_t gfn, mfn_t first, unsigned order)
{
	u64 nr = 1ul << order;
	int rc;

	ASSERT(!order || order == P2M_LARGE);
	if ((gfn_x(gfn) | mfn_x(first)) & (nr - 1) || gfn_x(gfn) >= p->end ||
	    p->end - gfn_x(gfn) < nr)
		return -EINVAL;
	rc = get_frames(d, first, nr);
	if (rc)
		return rc;
	rc = add(p, gfn, first, order);
	if (rc)
		put_frames(first, nr);
	return rc;
}

/* The first two of the four steps. */
static int clear(struct p2m *p, gfn_t gfn, mfn_t *was)
{
	pte_t *pe = NULL;
	unsigned level;
	int rc = 0;

	spin_lock(&p->lock);
	if (!p->closed)
		pe = p2m_walk(p, gfn, &level);
	if (!pe || !p2m_there(pte_read(pe)))
		rc = -ENOENT;
	else if (level > 1)
		pe = p2m_make_way(p, gfn, 1);
	if (!rc && !pe)
		rc = -ENOMEM;
	if (!rc) {
		*was = pte_mfn(pte_read(pe));
		pte_write(pe, 0);
		__atomic_store_n(&p->left, ~0u, __ATOMIC_SEQ_CST);
		p2m_move_stamp(p);
	}
	spin_unlock(&p->lock);
	return rc;
}

int p2m_remove(struct domain *d, struct p2m *p, gfn_t gfn, mfn_t *was)
{
	int rc;

	if (gfn_x(gfn) >= p->end)
		return -ENOENT;
	rc = clear(p, gfn, was);
	if (rc)
		return rc;
	tlb_flush_vcpus(d, ~0ul, ~0ul);
	page_put(page_of(*was));
	return 0;
}

bool p2m_make_executable(struct p2m *p, gfn_t gfn)
{
	unsigned level;
	bool is_small = false;

	if (gfn_x(gfn) >= p->end)
		return false;
	spin_lock(&p->lock);
	if (!p->closed && p2m_there(pte_read(p2m_walk(p, gfn, &level))))
		is_small = level == 1 || p2m_make_way(p, gfn, 1);
	spin_unlock(&p->lock);
	return is_small;
}

/* ---- Taking apart ---------------------------------------------------------------------------- */

/* The table behind entry @i of @table; NULL: none. */
static pte_t *below(pte_t *table, unsigned i, unsigned level)
{
	pte_t e = pte_read(&table[i]);

	return p2m_there(e) && !p2m_is_leaf(e, level) ? public_ptr(pte_mfn(e)) : NULL;
}

/* An L2 and the L1s below it: at most 513. */
static void free_l2(pte_t *l2)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if (below(l2, i, 2))
			free_public_page(below(l2, i, 2));
	free_public_page(l2);
}

/*
 * References are not given back here: the domain dies, and gives its frames back whatever it holds
 * on them itself (domain_discard_some()).
 */
bool p2m_destroy_some(struct p2m *p)
{
	pte_t *l4, *l3;

	spin_lock(&p->lock);
	p->closed = true;
	spin_unlock(&p->lock);
	if (!mfn_is_valid_num(p->root))
		return false;
	l4 = public_ptr(p->root);
	for (; p->destroyed < PT_ENTRIES * PT_ENTRIES; p->destroyed++) {
		unsigned i4 = p->destroyed / PT_ENTRIES, i3 = p->destroyed % PT_ENTRIES;

		l3 = below(l4, i4, 4);
		if (!l3) {
			p->destroyed += PT_ENTRIES - 1;
			continue;
		}
		if (below(l3, i3, 3)) {
			free_l2(below(l3, i3, 3));
			pte_write(&l3[i3], 0);
			return true;
		}
		if (i3 == PT_ENTRIES - 1)
			free_public_page(l3);
	}
	free_public_page(l4);
	p->root = INVALID_MFN;
	p->nr_tables = 0;
	return false;
}
