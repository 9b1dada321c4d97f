/* SPDX-License-Identifier: MIT */
/*
 * Anything that a guest and its processor may do, at random: see shadow.c.
 */
#include <string.h>
#include <asm/frametable.h>
#include <asm/page_mark.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/shadow_tree.h>
#include <asm/window.h>
#include "shadow.h"
#include "tap.h"

static u64 rnd(u64 n) { return tap_random() % n; }

/* Slots of a table that are ever in use, by level; the rest of all tables stays empty. */
static const u16 l4_slots[] = { 0, 255, 272, 511 }, l3_slots[] = { 0, 511 }, l2_slots[] = { 0, 1 },
		 l1_slots[] = { 0, 1, 15, 16, 17, 31, 32, 511 };
static const struct { const u16 *slot; unsigned nr; } in_use[5] = {
	[1] = { l1_slots, 8 }, [2] = { l2_slots, 2 }, [3] = { l3_slots, 2 }, [4] = { l4_slots, 4 },
};

static unsigned some_slot(unsigned level) { return in_use[level].slot[rnd(in_use[level].nr)]; }

/* ---- Pages that can be named, and what tables have said of each since the last flush --------- */

#define NR_PAGES	(4 * 2 * 2 * 8)
#define MAX_PAST	12

static struct page {
	u64 va;
	struct { struct seen_walk w[MAX_PAST]; unsigned nr; } past[2];
} pages[NR_PAGES];
static bool past_is_full;
static unsigned long nr_moves;

static void name_pages(void)
{
	unsigned n = 0;

	for (unsigned a = 0; a < 4; a++)
		for (unsigned b = 0; b < 2; b++)
			for (unsigned c = 0; c < 2; c++)
				for (unsigned d = 0; d < 8; d++) {
					u64 va = (u64)l4_slots[a] << 39 | (u64)l3_slots[b] << 30 |
						 (u64)l2_slots[c] << 21 | (u64)l1_slots[d] << 12;

					pages[n++].va = (u64)((s64)(va << 16) >> 16);
				}
}

static mfn_t l4_of(unsigned tree) { return tree ? this_vcpu.user_l4 : this_vcpu.kernel_l4; }

static void note_page(struct page *p, unsigned tree)
{
	struct seen_walk w = cpu_reference(l4_of(tree), p->va);
	unsigned nr = p->past[tree].nr;

	for (unsigned i = nr; i-- > 0;)
		if (seen_same(&w, &p->past[tree].w[i]))
			return;
	past_is_full |= nr + 1 == MAX_PAST;
	if (nr < MAX_PAST)
		p->past[tree].w[p->past[tree].nr++] = w;
}

static void note_all(void)
{
	for (unsigned i = 0; i < NR_PAGES; i++)
		for (unsigned tree = 0; tree < 2; tree++)
			note_page(&pages[i], tree);
}

void shadow_past_is_over(bool kernel, bool user)
{
	for (unsigned i = 0; i < NR_PAGES; i++) {
		if (kernel)
			pages[i].past[0].nr = 0;
		if (user)
			pages[i].past[1].nr = 0;
	}
	past_is_full = false;
	if (pages[1].va)
		note_all();
}

/*
 * Where a table changes during a walk, A and D of the other levels may be set behind what was
 * there before: then only the changed one's are looked at.
 */
static bool may_be(struct page *p, unsigned tree, pte_t e, unsigned levels)
{
	note_page(p, tree);
	for (unsigned i = 0; i < p->past[tree].nr; i++)
		if (seen_may_be(&p->past[tree].w[i], e, levels))
			return true;
	return false;
}

/* ---- Frames ---- */

static bool is_own(u64 f) { return f < OTHERS_FIRST; }

static bool is_clean(u64 f) { return f < NR_FRAMES && (page_of(_mfn(f))->type_info & PGT_clean); }

/* What each frame held when the log was last read. */
static u64 held[NR_FRAMES][PT_ENTRIES];

static void check_marks(void)
{
	for (unsigned f = 1; f < NR_FRAMES; f++)
		check(!is_own(f) || !is_clean(f) ||
			      !memcmp(held[f], window_ptr(_mfn(f)), PAGE_SIZE),
		      "frame %u has changed and counts as clean", f);
	for (unsigned f = OTHERS_FIRST; f < NR_FRAMES; f++)
		check(is_clean(f), "the mark of frame %u, which is another domain's", f);
}

static void clean(void)
{
	check_marks();
	for (unsigned f = 1; f < NR_FRAMES; f++) {
		memcpy(held[f], window_ptr(_mfn(f)), PAGE_SIZE);
		if (rnd(8) || !is_own(f))
			page_of(_mfn(f))->type_info |= PGT_clean;
	}
}

static pte_t some_entry(unsigned level)
{
	u64 f = level > 1 ? FIRST_OF(level - 1) + rnd(NR_OF(level - 1))
			  : rnd(12) ? DATA_FIRST + rnd(NR_FRAMES - DATA_FIRST) : DEVICE + rnd(4);
	pte_t e = f << PAGE_SHIFT | PTE_P;

	if (rnd(level > 1 ? 24 : 8) == 0)
		return rnd(2) ? 0 : tap_random() & ~PTE_P;
	e |= tap_random() & (PTE_A | PTE_AVL | PTE_SOFT_HI | (level > 1 ? 0 : PTE_D));
	if (rnd(12))
		e |= PTE_RW;
	if (rnd(24))
		e |= PTE_US;
	if (rnd(16) == 0)
		e |= PTE_NX;
	if (level == 1 && rnd(8) == 0)
		e |= tap_random() & (PTE_PWT | PTE_PCD | PTE_PAT);
	return e;
}

static pte_t *changed, changed_to;

/* As the product changes an entry: the lock takes the mark, and flushes are somebody else's. */
static void change_entry(pte_t *pe, unsigned level)
{
	note_all();
	page_mark_dirty(page_of(window_mfn(pe)));
	switch (rnd(4)) {
	case 0:
		*pe ^= rnd(2) ? 1ul << 9 : rnd(2) ? PTE_RW : PTE_A;
		break;
	case 1:
		*pe &= ~(PTE_A | (level > 1 ? 0 : PTE_D));
		break;
	default:
		*pe = some_entry(level);
	}
	note_all();
	changed = pe;
	changed_to = *pe;
}

static void change(unsigned level)
{
	u64 f = FIRST_OF(level) + rnd(NR_OF(level));

	change_entry((pte_t *)window_ptr(_mfn(f)) + some_slot(level), level);
}

/* An access is made, and meets one change, of an entry at level @moved, if that is not 0. */
static bool moves, is_made;
static unsigned moved;
static u64 moved_va;

void shadow_moment(void)
{
	pte_t *pe;

	if (!moves || !is_made || moved || rnd(4))
		return;
	nr_moves++;
	moved = 1 + rnd(4) * rnd(2);
	pe = rnd(8) ? cpu_reference_entry(l4_of(!this_vcpu.kernel_mode), moved_va, moved) : NULL;
	if (pe)
		change_entry(pe, moved);
	else
		change(moved);
}

/* What was changed under way is as it was changed, but for A and D. */
static void check_moved(void)
{
	pte_t free = pte_present(changed_to) ? PTE_A | PTE_D : 0;

	if (moved)
		check((*changed & ~free) == (changed_to & ~free),
		      "an entry that became %lx is %lx", changed_to, *changed);
}

bool shadow_is_moving(void) { return moves; }

/* ---- What the trees hold ---- */

static unsigned long nr_in_trees;
static bool tree_has[VCPU_SHADOW_PAGES];

static unsigned page_nr(unsigned tree, pte_t e)
{
	unsigned nr = e >> 52 & 0x1ff, first = tree ? SHADOW_SPLIT : 0;

	check(TREE_FRAME(nr) == mfn_x(pte_mfn(e)) && !(e >> 61 & 1),
	      "entry %lx has the number of its page", e);
	check(nr >= first && nr < first + shadow_vcpu.shadow.nr_used[tree],
	      "page %u is none of tree %u's", nr, tree);
	check(!tree_has[nr], "page %u stands twice", nr);
	tree_has[nr] = true;
	return nr;
}

static struct page *page_at(u64 va)
{
	for (unsigned i = 0; i < NR_PAGES; i++)
		if (pages[i].va == va)
			return &pages[i];
	return NULL;
}

static void check_table(unsigned tree, const pte_t *t, unsigned level, u64 va)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		u64 at = va | (u64)i << (3 + 9 * level);
		struct page *p;
		pte_t e;

		if (!t[i] || (level == 4 && i >= L4_SLOT_HV_FIRST && i <= L4_SLOT_HV_LAST))
			continue;
		if (level > 1) {
			check_table(tree, (pte_t *)VA_SHADOW + page_nr(tree, t[i]) * PT_ENTRIES,
				    level - 1, at);
			continue;
		}
		at = (u64)((s64)(at << 16) >> 16);
		p = page_at(at);
		e = cpu_tree_entry(tree ? shadow_vcpu.cr3_user : shadow_vcpu.cr3_kernel, at);
		check(p && e && may_be(p, tree, e, WHOLE_WAY),
		      "tree %u has %lx for %lx", tree, t[i], at);
		check(!(e & PTE_RW) || !is_own(mfn_x(pte_mfn(e))) || !is_clean(mfn_x(pte_mfn(e))),
		      "tree %u shows clean frame %lx writable", tree, mfn_x(pte_mfn(e)));
		nr_in_trees++;
	}
}

static void check_trees(void)
{
	memset(tree_has, 0, sizeof(tree_has));
	check_table(0, public_ptr(shadow_vcpu.root_kernel), 4, 0);
	check_table(1, public_ptr(shadow_vcpu.root_user), 4, 0);
	shadow_check_roots();
}

/* ---- What happens ---- */

static unsigned long nr_done, nr_refused, nr_written, nr_around;

static unsigned tree_now(void) { return !this_vcpu.kernel_mode; }

static void check_way(struct page *p, u32 kind, pte_t way)
{
	u64 f = mfn_x(pte_mfn(way));
	struct seen_walk now;

	check(may_be(p, tree_now(), way, moved ? 1u << moved : WHOLE_WAY),
	      "%lx by %x goes by %lx", p->va, kind, way);
	if (!(kind & PFEC_W))
		return;
	check(!is_own(f) || !is_clean(f), "frame %lu is written and counts as clean", f);
	nr_written++;
	if (f >= DATA_FIRST && is_own(f))
		((u64 *)window_ptr(_mfn(f)))[rnd(PT_ENTRIES)] = tap_random();
	now = cpu_reference(l4_of(tree_now()), p->va);
	check(moves || p->past[tree_now()].nr > 1 || now.dirty, "%lx is written without D", p->va);
}

/* What could stand around @p's page, the same table given, does. */
static void check_around(const struct page *p)
{
	u64 cr3 = tree_now() ? shadow_vcpu.cr3_user : shadow_vcpu.cr3_kernel;

	for (unsigned i = 0; i < NR_PAGES; i++) {
		struct seen_walk w = cpu_reference(l4_of(tree_now()), pages[i].va);

		if (pages[i].va >> 16 != p->va >> 16 || !w.present ||
		    w.accessed != WHOLE_WAY)
			continue;
		check(cpu_tree_entry(cr3, pages[i].va), "%lx is not put in with %lx", pages[i].va,
		      p->va);
		nr_around++;
	}
}

/* The guest's tables but for A and D bits, which the processor sets. */
static u64 tables_hash(void)
{
	u64 hash = 0;

	for (unsigned level = 1; level <= 4; level++)
		for (unsigned f = 0; f < NR_OF(level); f++)
			for (unsigned s = 0; s < in_use[level].nr; s++) {
				pte_t e = ((pte_t *)window_ptr(_mfn(FIRST_OF(level) + f)))
					[in_use[level].slot[s]];

				if (pte_present(e))
					e &= ~(PTE_A | (level > 1 ? 0 : PTE_D));
				hash = (hash ^ e) * 0x100000001b3ul;
			}
	return hash;
}

static u64 count_set(pte_t bits)
{
	u64 n = 0;

	for (unsigned level = 1; level <= 4; level++)
		for (unsigned f = 0; f < NR_OF(level); f++)
			for (unsigned s = 0; s < in_use[level].nr; s++) {
				pte_t e = ((pte_t *)window_ptr(_mfn(FIRST_OF(level) + f)))
					[in_use[level].slot[s]];

				n += !!(e & bits & PTE_A) + !!(e & bits & PTE_D);
			}
	return n;
}

static void access_page(void)
{
	struct page *p = &pages[rnd(NR_PAGES)];
	bool own = rnd(8) == 0;
	u32 kind = (rnd(2) ? PFEC_W : rnd(4) ? 0 : PFEC_I) | (own ? 0 : PFEC_U);
	struct seen_walk before = cpu_reference(l4_of(tree_now()), p->va), now;
	u32 faults = shadow_vcpu.shadow.faults, ec;
	u64 hash = tables_hash(), set = count_set(PTE_A | PTE_D), dirty = count_set(PTE_D);
	pte_t way = 0;

	moves = rnd(16) == 0;
	moved = 0;
	moved_va = p->va;
	is_made = true;
	if (own)
		ec = shadow_own_access(p->va, kind & ~PFEC_I, &way) ? 0 : kind | PFEC_P;
	else
		ec = shadow_access(p->va, kind, &way);
	is_made = false;
	if (!ec) {
		nr_done++;
		if (way)
			check_way(p, own ? kind & ~PFEC_I : kind, way);
		if (!moves && faults != shadow_vcpu.shadow.faults)
			check_around(p);
	} else {
		nr_refused++;
		now = cpu_reference(l4_of(tree_now()), p->va);
		check(!seen_allows(&before, own ? kind & ~PFEC_I : kind) ||
			      !seen_allows(&now, own ? kind & ~PFEC_I : kind),
		      "%lx by %x is refused", p->va, kind);
		check(moves || own || ec == (kind | (before.present ? PFEC_P : 0)),
		      "%lx by %x: error code %x", p->va, kind, ec);
		check(moves || set == count_set(PTE_A | PTE_D),
		      "%lx by %x sets bits and is refused", p->va, kind);
	}
	check(moves || hash == tables_hash(), "%lx by %x changes the guest's tables", p->va, kind);
	check(moves || (count_set(PTE_A | PTE_D) - set <= 5 &&
			count_set(PTE_D) - dirty <= !!(kind & PFEC_W)),
	      "one access sets A and D of its way");
	check_moved();
	if (moves)
		root_reload();
	moves = false;
}

static void flush_page(void)
{
	struct page *p = &pages[rnd(NR_PAGES)];

	guest_invlpg(p->va + rnd(PAGE_SIZE));
	p->past[0].nr = p->past[1].nr = 0;
	check(!cpu_tree_entry(shadow_vcpu.cr3_kernel, p->va) &&
		      !cpu_tree_entry(shadow_vcpu.cr3_user, p->va),
	      "behind INVLPG of %lx nothing is there", p->va);
}

static void go_away(void)
{
	shadow_unload();
	if (rnd(2))
		clean();
	for (unsigned i = rnd(4); i; i--)
		change(1 + rnd(4));
	if (rnd(16) == 0) {
		shadow_go();
		if (rnd(2))
			shadow_come();
	}
	shadow_load();
	if (shadow_vcpu.shadow.on)
		return;
	if (!this_vcpu.kernel_mode)
		shadow_toggle();
	shadow_come();
}

static void anything(void)
{
	unsigned what = rnd(64);

	if (what < 40)
		access_page();
	else if (what < 48)
		change(1 + rnd(4) * rnd(2));
	else if (what < 52)
		flush_page();
	else if (what < 56)
		shadow_toggle();
	else if (what < 58)
		shadow_base(_mfn(FIRST_OF(4) + rnd(NR_OF(4))));
	else if (what < 60)
		root_reload();
	else if (what < 62)
		go_away();
	else
		check_marks();
	if (past_is_full)
		root_reload();
}

void shadow_random(unsigned long nr)
{
	for (unsigned f = 1; f < NR_FRAMES; f++) {
		*page_of(_mfn(f)) = (struct page_info){
			.owner = is_own(f) ? 5 : 6, .type_info = is_own(f) ? 0 : PGT_clean,
		};
		memset(window_ptr(_mfn(f)), 0, PAGE_SIZE);
	}
	for (unsigned level = 1; level <= 4; level++)
		for (unsigned i = 0; i < 60; i++)
			((pte_t *)window_ptr(_mfn(FIRST_OF(level) + rnd(NR_OF(level)))))
				[some_slot(level)] = some_entry(level);
	name_pages();
	this_vcpu.kernel_l4 = _mfn(FIRST_OF(4));
	this_vcpu.user_l4 = _mfn(FIRST_OF(4) + 1);
	clean();
	shadow_come();
	shadow_load();
	for (unsigned long i = 0; i < nr && !tap_unchecked; i++) {
		anything();
		if (i % 8 == 0)
			check_trees();
	}
	shadow_unload();
	shadow_go();
	all_ok("the processor goes by what the tables say, and writes nothing that is clean");
	printf("# %lu accesses done, %lu refused, %lu stores, %lu changes under way, %lu entries "
	       "of trees looked at\n", nr_done, nr_refused, nr_written, nr_moves, nr_in_trees);
	ok(nr_done > nr / 8 && nr_refused > nr / 32 && nr_written > nr / 32 && nr_moves > nr / 64 &&
	   nr_around > nr / 16, "all of it happened");
}
