/* SPDX-License-Identifier: MIT */
/*
 * The audit: every count and flag of every frame, recomputed from what holds references, and the
 * TLB against the types.
 * Holders: docs/page-types.md. Between operations nothing is busy and nothing is locked.
 */
#include <string.h>
#include <asm/gnttab.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <asm/page_type.h>
#include <asm/window.h>
#include "tap.h"
#include "world.h"

struct expected {
	u64 general, foreign, type;	/* general references: the owner's, and others' */
	u64 type_word;			/* the type that its type references are for */
	bool mixed;
};

#define STRIDE	(PT_ENTRIES < 32 ? PT_ENTRIES : 32)

static struct expected want[NR_FRAMES];
static unsigned faults;

static void fault(unsigned f, const char *what, u64 is, u64 should)
{
	const struct page_info *pg = page_of(_mfn(f));

	if (faults++ < 5)
		printf("# frame %u: %s is %lx, should be %lx; count %lx, type %lx, validated %u\n",
		       f, what, is, should, pg->count_info, pg->type_info, pg->nr_validated);
}

/* By @domid, or by something of its. */
static void hold(domid_t domid, mfn_t m, u64 type)
{
	struct expected *w = &want[mfn_x(m)];

	if (page_of(m)->owner == domid)
		w->general++;
	else
		w->foreign++;
	if (!type)
		return;
	w->mixed |= w->type && w->type_word != type;
	w->type++;
	w->type_word = type;
}

static void hold_valid(domid_t domid, mfn_t m, u64 type)
{
	if (mfn_is_valid_num(m))
		hold(domid, m, type);
}

#define IS_MAPPED(h) ((h)->flags & (GNTMAP_host_map | GNTMAP_device_map))

/* Is @f an orphan, with references of others or none any more, that is not free yet? */
static bool is_orphan(unsigned f)
{
	return f && f < IO_FIRST && page_of(_mfn(f))->owner != DOMID_INVALID &&
	       !(page_of(_mfn(f))->count_info & (PGC_allocated | PGC_hv));
}

/* Frame @f is @domid's, or lent to it, or it is a control domain and takes it. */
static bool may_map(domid_t domid, unsigned f, bool write)
{
	const struct domain *d = domid == world_domain.domid ? &world_domain : &world_foreign;
	const struct grant_table *t = d->grants;
	const struct page_info *pg = page_of(_mfn(f));
	bool may = pg->owner == domid ? pg->count_info & PGC_allocated
				      : d->is_privileged && ((pg->count_info & PGC_shared_out) ||
							     is_orphan(f));

	for (u32 i = 0; !may && t && i < t->nr_handles; i++)
		may = IS_MAPPED(&t->handles[i]) && t->handles[i].mfn == f &&
		      !(write && (t->handles[i].flags & GNTMAP_readonly));
	return may;
}

/* What every handle says that it holds, and what granters have noted. */
static struct grant_pins want_pins[2][GUEST_REFS];

static void grants_hold(const struct domain *d)
{
	const struct grant_table *t = d->grants;

	for (u32 i = 0; t && i < t->nr_frames; i++)
		if (mfn_x(t->frame[i]) < NR_FRAMES)
			hold(d->domid, t->frame[i], PGT_writable);
	for (u32 i = 0; t && i < t->nr_handles; i++) {
		const struct grant_handle *h = &t->handles[i];
		struct grant_pins *p = &want_pins[h->granter][h->ref];

		if (!IS_MAPPED(h))
			continue;
		hold(d->domid, _mfn(h->mfn), h->flags & GNTMAP_readonly ? 0 : PGT_writable);
		if (h->flags & GNTMAP_readonly)
			p->readers++;
		else
			p->writers++;
		if (p->mfn && (p->mfn != h->mfn || p->domid != d->domid))
			fault(h->mfn, "frame or user of a grant", p->mfn, h->mfn);
		p->mfn = h->mfn;
		p->domid = d->domid;
	}
}

static void check_pins(const struct domain *d)
{
	for (u32 i = 0; d->grants && i < GUEST_REFS; i++) {
		const struct grant_pins *p = &d->grants->pins[0][i], *w = &want_pins[d->domid][i];

		if (p->readers != w->readers || p->writers != w->writers ||
		    (w->mfn && (p->mfn != w->mfn || p->domid != w->domid)))
			fault(p->mfn, "pins of a grant", (u64)p->readers << 32 | p->writers,
			      (u64)w->readers << 32 | w->writers);
	}
}

/* COH-1: it is for who has devices, and never for what the hypervisor works on, too. */
static void other_cache_type(unsigned table, unsigned f, pte_t e)
{
	const struct domain *owner = page_of(_mfn(table))->owner == world_domain.domid
					     ? &world_domain : &world_foreign;

	if (!owner->is_privileged || (page_of(_mfn(f))->type_info & PGT_special))
		fault(table, "cache bits of RAM", e, e & ~L1_CACHE);
	if ((e & PTE_RW) && wiped_in_caches[f])
		fault(f, "what was wiped, and is seen past the caches,", 1, 0);
	past_caches[f] |= !!(e & PTE_RW);
}

static void entry_holds(unsigned table, unsigned level, unsigned i)
{
	pte_t e = frame_ptr(table)[i];
	u64 f = mfn_x(pte_mfn(e));
	domid_t owner = page_of(_mfn(table))->owner;

	if (!pte_present(e) || (level == 4 && i >= L4_SLOT_HV_FIRST && i <= L4_SLOT_HV_LAST))
		return;
	if (level > 1) {
		hold(owner, pte_mfn(e), level_type(level - 1));
	} else if (f < NR_FRAMES && page_of(_mfn(f))->owner != DOMID_IO) {
		hold(owner, pte_mfn(e), e & PTE_RW ? PGT_writable : 0);
		if (e & L1_CACHE)
			other_cache_type(table, f, e);
		if (!may_map(owner, f, e & PTE_RW))
			fault(f, "a mapping without a grant", e, 0);
	}
	if (!(e & PTE_US))
		fault(table, "user bit of an entry", e, e | PTE_US);
}

/* SPC-5: where absent entries matter, one names no RAM; all address bits zero is no name. */
static void check_absent(unsigned f, unsigned level, pte_t e)
{
	u64 maddr = e & PTE_ADDR & (BIT(40) - 1),
	    reach = level == 2 || level == 3 ? 1ul << (3 + 9 * level) : 1;

	if (pte_present(e) || !pt_absent_floor[page_of(_mfn(f))->owner == world_domain.domid])
		return;
	if ((e & PTE_PS) && reach > 1 ? ROUNDDOWN(maddr, reach) < max_page << PAGE_SHIFT
				      : maddr && maddr < max_page << PAGE_SHIFT)
		fault(f, "an absent entry that names RAM", e, 0);
}

/* The first @n entries of a table; most are absent, so many at once. */
static void entries_hold(unsigned f, unsigned level, unsigned n)
{
	const pte_t *table = frame_ptr(f);

	for (unsigned i = 0; i < NR_SLOTS; i++)
		if (slots[i] < n)
			check_absent(f, level, table[slots[i]]);
	for (unsigned first = 0; first < n; first += STRIDE) {
		pte_t any = 0;

		for (unsigned i = first; i < first + STRIDE; i++)
			any |= table[i];
		for (unsigned i = first; pte_present(any) && i < first + STRIDE && i < n; i++)
			entry_holds(f, level, i);
	}
}

static void frame_holds(unsigned f)
{
	const struct page_info *pg = page_of(_mfn(f));
	unsigned level = type_level(pg->type_info);
	unsigned n = pg->type_info & PGT_partial ? pg->nr_validated : PT_ENTRIES;

	if (!(pg->type_info & PGT_count_mask))
		return;
	if (level)
		entries_hold(f, level, n);
	if (pg->type_info & PGT_pinned)
		hold(pg->owner, _mfn(f), pg->type_info & PGT_type_mask);
	if (pg->type_info & PGT_partial)
		hold(pg->owner, _mfn(f), pg->type_info & PGT_type_mask);
}

static void vcpu_holds(domid_t domid, const struct vcpu_private *p)
{
	hold_valid(domid, p->kernel_l4, PGT_l4);
	hold_valid(domid, p->user_l4, PGT_l4);
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		hold_valid(domid, p->gdt_frame[i], PGT_seg_desc);
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		hold_valid(domid, p->ldt_frame[i], PGT_seg_desc);
	for (unsigned i = 0; i < NR_PARKED; i++)
		hold_valid(domid, p->old_guest_table[i], PGT_none);
}

static void visits_hold(const struct domain *d)
{
	for (unsigned i = 0; i < NR_PARKED; i++)
		hold_valid(d->domid, d->visit_parked[i], PGT_none);
}

static void check_type_word(unsigned f)
{
	const u64 flags = PGT_validated | PGT_partial | PGT_locked | PGT_pinned;
	u64 x = page_of(_mfn(f))->type_info;
	const struct expected *w = &want[f];

	if ((x & PGT_count_mask) != w->type)
		fault(f, "type count", x & PGT_count_mask, w->type);
	if (w->mixed || (w->type && (x & PGT_type_mask) != w->type_word))
		fault(f, "type", x & PGT_type_mask, w->type_word);
	if (!w->type && (x & flags))
		fault(f, "flags of an idle frame", x & flags, 0);
	if (w->type && !(x & PGT_validated) == !(x & PGT_partial))
		fault(f, "validated xor partial", x & flags, PGT_validated);
	if (x & PGT_locked)
		fault(f, "page lock", x, 0);
	/* COH-2: whose caches and memory may disagree is writable, and marked. */
	if (f < IO_FIRST && past_caches[f] && (x & PGT_type_mask) != PGT_writable && w->type)
		fault(f, "type of a frame written past the caches", x, PGT_writable);
	if (f < IO_FIRST && past_caches[f] && !(x & PGT_non_coherent))
		fault(f, "mark of a frame written past the caches", x, x | PGT_non_coherent);
	if ((x & PGT_non_coherent) && (x & PGT_type_mask) != PGT_writable)
		fault(f, "type of a frame that is not coherent", x, PGT_writable);
}

/* Is @f an orphan without a reference that waits in the list from @n to be freed? */
static bool is_in_list(u32 n, unsigned f)
{
	for (unsigned nr = 0; n && n != f; n = page_of(_mfn(n))->next)
		BUG_ON(++nr > NR_FRAMES);
	return n;
}

static bool is_waiting(unsigned f)
{
	bool waits = is_in_list(world_other.cpu.orphans, f);

	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		waits |= is_in_list(world_orphans(cpu), f);
	return waits;
}

static void check_general(unsigned f)
{
	const struct expected *w = &want[f];
	u64 x = page_of(_mfn(f))->count_info,
	    should = w->general * PGC_one + w->foreign * PGC_foreign_one;

	if (f == 0 || f >= IO_FIRST)
		should |= PGC_hv;
	else if (x & PGC_allocated)
		should |= w->foreign || (x & PGC_shared_out) ? PGC_shared_out : PGC_unshared;
	else if (w->foreign || is_waiting(f))
		should |= PGC_leaving;		/* an orphan */
	if (x != should)
		fault(f, "count_info", x, should);
}

/*
 * TLB-2, TLB-3: what the processors of @domid may still do must agree with what the frame is, or
 * was last.
 */
static void check_tlb(unsigned f, const bool *uses, domid_t domid)
{
	static const u64 type_of_use[NR_USES] = { 0, PGT_writable, PGT_l1, PGT_l2, PGT_l3 };
	const struct page_info *pg = page_of(_mfn(f));

	for (unsigned u = 0; u < NR_USES; u++) {
		if (!uses[u] || pg->owner == DOMID_IO)
			continue;
		if (!may_map(domid, f, u == USE_WRITE))
			fault(f, "owner of a frame in the TLB", pg->owner, domid);
		else if (u != USE_READ && (pg->type_info & PGT_type_mask) != type_of_use[u])
			fault(f, "type of a frame in the TLB", pg->type_info, type_of_use[u]);
	}
}

/* The window shows the domain's own frames and nothing else; the list of its frames is those. */
static void check_window(const struct domain *d)
{
	unsigned nr = 0, orphans = 0, listed = 0,
		 special = d->grants && mfn_x(d->grants->frame[0]) < NR_FRAMES
				   ? d->grants->nr_frames
				   : 0;

	for (unsigned f = 0; f < NR_FRAMES; f++) {
		const struct page_info *pg = page_of(_mfn(f));
		bool own = (pg->count_info & PGC_allocated) && pg->owner == d->domid;

		nr += own;
		orphans += is_orphan(f) && pg->owner == d->domid;
		if (window_shows(d, f) != own)
			fault(f, "frame in the window", !own, own);
	}
#ifndef SMALL_OWN
	/* Frames, and then itself. */
	if (nr + orphans != d->nr_owned || d->refs != 1u + !!d->nr_owned)
		fault(0, "references of the domain", d->refs, 1u + !!(nr + orphans));
#endif
	for (u32 n = d->page_list; n && listed <= NR_FRAMES; n = page_of(_mfn(n))->next)
		listed++;
	if (nr != listed || nr != d->nr_pages + special)
		fault(0, "frames of the domain", nr, listed);
}

#ifndef SMALL_OWN		/* there the harness writes into the window past the product */
/*
 * A table of the window has as many uses as entries: between calls nobody holds one, and none
 * without a use is left.
 */
static unsigned check_window_table(mfn_t m, unsigned level)
{
	const pte_t *t = public_ptr(m);
	unsigned present = 0, tables = 1;

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(pte_t); i++) {
		if (!pte_present(t[i]))
			continue;
		present++;
		if (level > 1 && !(t[i] & PTE_PS))
			tables += check_window_table(pte_mfn(t[i]), level - 1);
	}
	if (page_of(m)->nr_validated != present || !present)
		fault(mfn_x(m), "uses of a window's table", page_of(m)->nr_validated, present);
	return tables;
}

static void check_window_tables(const struct domain *d)
{
	unsigned tables = 0;

	for (unsigned i = 0; i < NR_WINDOW_SLOTS; i++)
		if (mfn_is_valid_num(d->window_l3[i]))
			tables += check_window_table(d->window_l3[i], 3);
	if (tables != d->nr_window_tables)
		fault(0, "tables of the window", d->nr_window_tables, tables);
}
#endif

unsigned world_audit(void)
{
	const struct domain *other = world_other.cpu.curr->domain;

	faults = 0;
	memset(want, 0, sizeof(want));
	memset(want_pins, 0, sizeof(want_pins));
	for (unsigned f = 0; f < NR_FRAMES; f++)
		frame_holds(f);
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		vcpu_holds(current->domain->domid, world_vcpu(cpu));
	vcpu_holds(other->domid, &world_other.vcpu);
	visits_hold(&world_domain);
	visits_hold(&world_foreign);
	grants_hold(&world_domain);
	grants_hold(&world_foreign);
	check_pins(&world_domain);
	check_pins(&world_foreign);
	check_window(&world_domain);
	if (SMALL_FOREIGN)
		check_window(&world_foreign);
#ifndef SMALL_OWN
	if (!world_window_held) {
		check_window_tables(&world_domain);
		check_window_tables(&world_foreign);
	}
#endif
	for (unsigned f = 0; f < NR_FRAMES; f++) {
		check_type_word(f);
		check_general(f);
		check_tlb(f, tlb_use[f], current->domain->domid);
		check_tlb(f, world_other.tlb_use[f], other->domid);
	}
	if (world_mapped)
		fault(0, "open mappings of foreign frames", world_mapped, 0);
	return faults;
}
