/* SPDX-License-Identifier: MIT */
/*
 * Every reachable state of a small world, breadth first: the product's page-table files with two entries a table (slots 0 and 2;
 * slot 1 is the hypervisor's in an L4) and a handful of frames. From each state every operation runs with every argument, every
 * answer to every preemption check, every outcome of every allocation, and every content that the guest can have put into a frame
 * before it was made a table. After each the audit recomputes everything.
 *
 * The TLB remembers one thing, any: a leaf or an upper level. That is enough for what the audit asks of a TLB, since it asks of one
 * remembered use at a time, and what leads to it is a chain in which each is learnt from the one before.
 *
 * Two things keep the world small, neither of which loses a behaviour:
 *   frames are interchangeable: the code under test uses their numbers as names only. States that differ by a renaming are one.
 *   what is in a frame that is no table is the guest's to choose, so it is chosen when it is first read (PTE_UNDECIDED).
 * A call that is to be continued may be: the guest can make the same call again, as it can any other.
 *
 * Arguments: operations beside single updates, pins and the base pointer: (b)atches of two, the (u)ser base pointer, update_(v)a_mapping,
 * (s)egments, (m)emory taken and given, a (g)rant of the other domain's frame; entries that are (r)ead-only or refused (x); (k) updates that keep A and D; and walks that start from any (t)able,
 * as if there were roots that lead to it: more than there can be, and without frames for the tables above. Then the most states to keep.
 */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <isola/errno.h>
#include <xen/memory.h>
#include <xen/xen.h>
#include "tap.h"
#include "world.h"

#define N		(NR_FRAMES - 1)		/* frames 1..N */
#define BAD_ENTRY	(PTE_P | PTE_PS | PTE_US)	/* refused at every level */

static bool with_batches, with_segments, with_va, with_memory, with_user, with_bad, with_keep_ad, with_readonly, with_grants, from_anywhere;
static bool telling;			/* a trace is being printed */

/* ---- Choices: a tape of digits, tried in every combination ---- */

#define MAX_CHOICES 64
static struct { u8 is, of; } tape[MAX_CHOICES];
static unsigned tape_used, tape_known;

static unsigned choose(unsigned of)
{
	if (of < 2)
		return 0;
	if (tape_used == MAX_CHOICES)
		panic("too many choices");
	if (tape_used == tape_known) {
		tape[tape_known].is = 0;
		tape[tape_known++].of = of;
	}
	return tape[tape_used++].is;
}

/* On to the next combination; false when there is none. */
static bool next_tape(void)
{
	tape_known = tape_used;
	while (tape_known) {
		if (++tape[tape_known - 1].is < tape[tape_known - 1].of)
			return true;
		tape_known--;
	}
	return false;
}

static bool chance(unsigned rate)
{
	bool yes = rate && choose(2);

	if (telling && yes)
		printf(" [stopped or refused]");
	return yes;
}

/*
 * Frames that nothing names and whose records are alike are not told apart: only the first of them is ever chosen, then the
 * second, and so on.
 */
static bool is_plain[N + 1], is_named[N + 1];

static bool is_same_plain(unsigned a, unsigned b)
{
	const struct page_info *x = page_of(_mfn(a)), *y = page_of(_mfn(b));

	return is_plain[a] && is_plain[b] && !is_named[a] && x->type_info == y->type_info && x->owner == y->owner &&
	       (x->tlb_stamp > world_flushed) == (y->tlb_stamp > world_flushed) && x->count_info == y->count_info;
}

static unsigned choose_frame(void)
{
	unsigned list[N], n = 0, f;

	for (f = 1; f <= N; f++) {
		bool again = false;

		for (unsigned g = 1; g < f && !is_named[f]; g++)
			again |= is_same_plain(g, f);
		if (!again)
			list[n++] = f;
	}
	f = list[choose(n)];
	is_named[f] = true;
	return f;
}

static pte_t choose_entry(unsigned level)
{
	unsigned kind = choose(with_bad ? 3 : 2);
	pte_t e = PTE_P | PTE_US;

	if (kind == 0)
		return 0;
	if (kind == 2)
		return BAD_ENTRY;
	e |= (u64)choose_frame() << PAGE_SHIFT;
	return e | (level == 1 && (!with_readonly || choose(2)) ? PTE_RW : 0);
}

pte_t world_decide(const pte_t *p)
{
	unsigned f = mfn_x(window_mfn(p)), slot = (u64)p / sizeof(pte_t) % (PAGE_SIZE / sizeof(pte_t));
	unsigned level = type_level(page_of(_mfn(f))->type_info);
	pte_t e = slot == 1 ? 0 : choose_entry(level);

	if (!level)
		panic("frame %u is read as a table", f);
	if (telling && slot != 1)
		printf(" [frame %u slot %u holds %lx]", f, slot, e);
	frame_ptr(f)[slot] = e;
	return e;
}

/* ---- States ---- */

/* As it is kept: frames in some order, their numbers 1..N. */
struct state {
	struct {
		u8 type, count, general, validated, entry[2];
	} frame[N];
	u8 kernel_l4, user_l4, parked, gdt, tlb_frame, tlb_use, handle;
};

enum { F_VALIDATED = 8, F_PARTIAL = 16, F_PINNED = 32, F_STALE = 64 };
enum { E_UNDECIDED = 0xff, E_BAD = 0xfe };
enum { OWN, FOREIGN, FREE };

/* As it is in the world's memory, to go back to between two runs. */
static struct raw {
	struct page_info page[N + 1];
	pte_t entry[N + 1][3], kernel_root[3], user_root[3];
	struct vcpu_private vcpu;
	bool tlb[NR_FRAMES][NR_USES];
	u64 clock, flushed;
	u32 page_list[2], nr_pages[2];
	struct grant_handle handle;
	struct grant_pins pins;
	struct grant_entry_v1 lent;
} now;

static struct domain *const domains[] = { &world_domain, &world_foreign };

/* ---- The one grant that there is: the other domain lends its frame by entry 0, and here one handle can be had ---- */

static struct grant_table our_grants, their_grants;
static unsigned lent_frame;

static struct grant_entry_v1 *lent_entry(void) { return window_ptr(their_grants.frame[0]); }

/* At rest everything follows from what the handle holds (GNT-1, GNT-2). */
static void decode_handle(u8 flags, unsigned frame)
{
	bool used = flags & (GNTMAP_host_map | GNTMAP_device_map), readonly = flags & GNTMAP_readonly;

	lent_frame = frame;
	our_grants.handles[0] = (struct grant_handle){ .mfn = used ? frame : 0, .granter = used, .flags = flags };
	our_grants.nr_handles = used;
	our_grants.free_handle = 0;
	their_grants.pins[0][0] = (struct grant_pins){ used ? frame : 0, used && readonly, used && !readonly };
	*lent_entry() = (struct grant_entry_v1){ .frame = frame, .flags = GTF_permit_access | (used ? GTF_reading : 0) |
						 (used && !readonly ? GTF_writing : 0) };
}

static bool handle_is_wrong(void)
{
	const struct grant_handle *h = &our_grants.handles[0];
	const struct grant_pins *p = &their_grants.pins[0][0];
	bool used = h->flags & (GNTMAP_host_map | GNTMAP_device_map), readonly = h->flags & GNTMAP_readonly;
	u16 marks = (used ? GTF_reading : 0) | (used && !readonly ? GTF_writing : 0);

	return (h->flags && !used) || p->readers != (used && readonly) || p->writers != (used && !readonly) ||
	       (lent_entry()->flags & (GTF_reading | GTF_writing)) != marks;
}

static void make_grants(void)
{
	static struct grant_handle handles[GNTTAB_MAX_HANDLES];
	static struct grant_pins pins[2][GNTTAB_REFS_PER_FRAME];

	world_extra(1024, 2);
	our_grants = (struct grant_table){ .nr_frames = 1, .frame[0] = _mfn(1024), .pins[0] = pins[0], .handles = handles };
	their_grants = (struct grant_table){ .nr_frames = 1, .frame[0] = _mfn(1025), .pins[0] = pins[1] };
	world_domain.grants = &our_grants;
	world_foreign.grants = &their_grants;
	page_of(_mfn(1025))->owner = world_foreign.domid;
}

static void save_raw(struct raw *r)
{
	if (with_grants) {
		r->handle = our_grants.handles[0];
		r->pins = their_grants.pins[0][0];
		r->lent = *lent_entry();
	}
	for (unsigned f = 1; f <= N; f++) {
		r->page[f] = *page_of(_mfn(f));
		memcpy(r->entry[f], frame_ptr(f), sizeof(r->entry[f]));
	}
	memcpy(r->kernel_root, kernel_root[0], sizeof(r->kernel_root));
	memcpy(r->user_root, user_root[0], sizeof(r->user_root));
	r->vcpu = this_vcpu;
	memcpy(r->tlb, tlb_use, sizeof(r->tlb));
	r->clock = world_clock;
	r->flushed = world_flushed;
	for (unsigned i = 0; i < 2; i++) {
		r->page_list[i] = domains[i]->page_list;
		r->nr_pages[i] = domains[i]->nr_pages;
	}
}

static void load_raw(const struct raw *r)
{
	if (with_grants)
		decode_handle(r->handle.flags, lent_frame);
	for (unsigned f = 1; f <= N; f++) {
		*page_of(_mfn(f)) = r->page[f];
		memcpy(frame_ptr(f), r->entry[f], sizeof(r->entry[f]));
	}
	memcpy(kernel_root[0], r->kernel_root, sizeof(r->kernel_root));
	memcpy(user_root[0], r->user_root, sizeof(r->user_root));
	this_vcpu = r->vcpu;
	memcpy(tlb_use, r->tlb, sizeof(r->tlb));
	world_clock = r->clock;
	world_flushed = r->flushed;
	for (unsigned i = 0; i < 2; i++) {
		domains[i]->page_list = r->page_list[i];
		domains[i]->nr_pages = r->nr_pages[i];
	}
	for (unsigned f = 1; with_memory && f <= N; f++)
		window_show(&world_domain, f, (r->page[f].count_info & PGC_allocated) && r->page[f].owner == world_domain.domid);
	world_continuation.pending = false;
}

static bool is_unchanged(const struct raw *r)
{
	if (with_grants && (memcmp(&r->handle, &our_grants.handles[0], sizeof(r->handle)) ||
			    memcmp(&r->pins, &their_grants.pins[0][0], sizeof(r->pins)) || memcmp(&r->lent, lent_entry(), sizeof(r->lent))))
		return false;
	for (unsigned f = 1; f <= N; f++)
		if (memcmp(page_of(_mfn(f)), &r->page[f], sizeof(r->page[f])) ||
		    memcmp(frame_ptr(f), r->entry[f], sizeof(r->entry[f])))
			return false;
	return world_flushed == r->flushed && !memcmp(tlb_use, r->tlb, sizeof(r->tlb)) &&
	       !memcmp(&this_vcpu, &r->vcpu, sizeof(this_vcpu)) &&
	       !memcmp(kernel_root[0], r->kernel_root, sizeof(r->kernel_root)) &&
	       !memcmp(user_root[0], r->user_root, sizeof(r->user_root));
}

static bool is_table(const struct page_info *pg)
{
	return type_level(pg->type_info) && (pg->type_info & PGT_count_mask);
}

/*
 * The frames (a bit each) whose contents the guest does not choose: tables; and what was one and the TLB remembers as one, with all
 * that it leads to, for none of those can have become writable since without a flush.
 */
static u32 decided;

static void decide_frames(void)
{
	u32 led_to = 0, known;

	decided = 0;
	for (unsigned f = 1; f <= N; f++) {
		decided |= is_table(page_of(_mfn(f))) << f;
		led_to |= (tlb_use[f][USE_L1] || tlb_use[f][USE_L2] || tlb_use[f][USE_L3]) << f;
	}
	do {
		known = led_to;
		for (unsigned f = 1; f <= N; f++)
			for (unsigned i = 0; i < 3 && (led_to >> f & 1); i++) {
				pte_t e = frame_ptr(f)[i];
				u64 to = mfn_x(pte_mfn(e));

				if (pte_present(e) && to <= N && type_level(page_of(_mfn(to))->type_info))
					led_to |= 1u << to;
			}
	} while (known != led_to);
	decided |= led_to;
}

static u8 entry_code(unsigned f, pte_t e)
{
	if (!(decided >> f & 1) || e == PTE_UNDECIDED)
		return E_UNDECIDED;
	if (!pte_present(e))
		return 0;
	return (e & PTE_PS) ? E_BAD : mfn_x(pte_mfn(e)) << 1 | !!(e & PTE_RW);
}

static u8 frame_code(mfn_t m) { return mfn_is_valid_num(m) ? mfn_x(m) : 0; }

static void encode(struct state *s)
{
	memset(s, 0, sizeof(*s));
	decide_frames();
	for (unsigned f = 1; f <= N; f++) {
		const struct page_info *pg = page_of(_mfn(f));
		u64 x = pg->type_info;
		unsigned owner = !(pg->count_info & PGC_allocated) ? FREE : pg->owner == world_domain.domid ? OWN : FOREIGN;
		typeof(&s->frame[0]) c = &s->frame[f - 1];

		c->type = (x & PGT_type_mask) >> PGT_type_shift | (x & PGT_validated ? F_VALIDATED : 0) |
			  (x & PGT_partial ? F_PARTIAL : 0) | (x & PGT_pinned ? F_PINNED : 0);
		if (!(x & PGT_count_mask) && (x & PGT_type_mask) && owner != FOREIGN && pg->tlb_stamp > world_flushed)
			c->type |= F_STALE;
		c->count = (x & PGT_count_mask) | owner << 6;
		c->general = pg->count_info & PGC_count_mask;
		c->validated = is_table(pg) ? pg->nr_validated : 0;
		c->entry[0] = entry_code(f, frame_ptr(f)[0]);
		c->entry[1] = entry_code(f, frame_ptr(f)[2]);
		for (unsigned u = 0; u < NR_USES; u++)
			if (tlb_use[f][u])
				s->tlb_frame = f, s->tlb_use = u;
	}
	s->kernel_l4 = frame_code(this_vcpu.kernel_l4);
	s->user_l4 = frame_code(this_vcpu.user_l4);
	/* The second place is for what two CPUs do, and vcpu_context.c. */
	if (mfn_is_valid_num(this_vcpu.old_guest_table[1]))
		panic("two tables are parked");
	s->parked = frame_code(this_vcpu.old_guest_table[0]);
	s->gdt = frame_code(this_vcpu.gdt_frame[0]);
	s->handle = with_grants ? our_grants.handles[0].flags : 0;
}

static void decode_frame(const struct state *s, unsigned f)
{
	static const u16 owners[] = { 0, 1, DOMID_INVALID };
	typeof(&s->frame[0]) c = &s->frame[f - 1];
	unsigned owner = c->count >> 6;
	struct page_info *pg = page_of(_mfn(f));

	*pg = (struct page_info){
		.count_info = owner == FREE ? 0 : PGC_allocated | c->general,
		.type_info = (u64)(c->type & 7) << PGT_type_shift | (c->count & 63) |
			     (c->type & F_VALIDATED ? PGT_validated : 0) | (c->type & F_PARTIAL ? PGT_partial : 0) |
			     (c->type & F_PINNED ? PGT_pinned : 0),
		.tlb_stamp = c->type & F_STALE ? 15 : 5,
		.owner = owners[owner], .nr_validated = c->validated,
	};
	frame_ptr(f)[1] = PTE_UNDECIDED;
	for (unsigned i = 0; i < 2; i++) {
		u8 e = c->entry[i];

		frame_ptr(f)[2 * i] = e == E_UNDECIDED ? PTE_UNDECIDED : e == E_BAD ? BAD_ENTRY : e == 0 ? 0 :
			(u64)(e >> 1) << PAGE_SHIFT | PTE_P | PTE_US | (e & 1 ? PTE_RW : 0);
	}
	if (with_grants && owner == FOREIGN)
		decode_handle(s->handle, f);
	if (owner != FREE) {
		struct domain *d = domains[owner];

		pg->next = d->page_list;
		if (pg->next)
			page_of(_mfn(pg->next))->prev = f;
		d->page_list = f;
		d->nr_pages++;
	}
	window_show(&world_domain, f, owner == OWN);
	if (SMALL_FOREIGN)
		window_show(&world_foreign, f, owner == FOREIGN);
}

static void decode_root(pte_t *root, mfn_t l4)
{
	for (unsigned i = 0; i < 3; i++) {
		pte_t e = mfn_is_valid_num(l4) ? frame_ptr(mfn_x(l4))[i] : 0;

		root[i] = pte_present(e) ? e : 0;
	}
}

static mfn_t frame_of(u8 code) { return code ? _mfn(code) : INVALID_MFN; }

static void decode(const struct state *s)
{
	for (unsigned i = 0; i < 2; i++)
		domains[i]->page_list = domains[i]->nr_pages = 0;
	memset(tlb_use, 0, sizeof(tlb_use));
	if (s->tlb_frame)
		tlb_use[s->tlb_frame][s->tlb_use] = true;
	for (unsigned f = 1; f <= N; f++)
		decode_frame(s, f);
	world_clock = 20;
	world_flushed = 10;
	this_vcpu.kernel_l4 = frame_of(s->kernel_l4);
	this_vcpu.user_l4 = frame_of(s->user_l4);
	this_vcpu.old_guest_table[0] = frame_of(s->parked);
	this_vcpu.gdt_frame[0] = frame_of(s->gdt);
	decode_root(kernel_root[0], this_vcpu.kernel_l4);
	decode_root(user_root[0], this_vcpu.user_l4);
}

/* ---- One name for all renamings ---- */

static u64 mix(u64 a, u64 b)
{
	a = (a ^ b) * 0x9e3779b97f4a7c15;
	return a ^ a >> 29;
}

/* What can be said of each frame without naming another. */
static void colours(const struct state *s, u64 *colour)
{
	for (unsigned f = 1; f <= N; f++) {
		const u8 *c = (const u8 *)&s->frame[f - 1];

		colour[f] = mix(c[0] | c[1] << 8 | c[2] << 16 | (u64)c[3] << 24,
				(s->kernel_l4 == f) | (s->user_l4 == f) << 1 | (s->parked == f) << 2 | (s->gdt == f) << 3 |
				(s->tlb_frame == f ? 1 + s->tlb_use : 0) << 4);
	}
	for (unsigned round = 0; round < 2; round++) {
		u64 next[N + 1];

		memcpy(next, colour, sizeof(next));
		for (unsigned f = 1; f <= N; f++)
			for (unsigned i = 0; i < 2; i++) {
				u8 e = s->frame[f - 1].entry[i];

				if (e == 0 || e >= E_BAD) {
					next[f] = mix(next[f], e);
					continue;
				}
				next[f] = mix(next[f], colour[e >> 1] + (e & 1));
				next[e >> 1] += mix(colour[f], 4 + 2 * i + (e & 1));
			}
		memcpy(colour, next, sizeof(next));
	}
}

static u8 renamed(u8 e, const u8 *name) { return e == 0 || e >= E_BAD ? e : name[e >> 1] << 1 | (e & 1); }

static void rename_frames(const struct state *s, const u8 *name, struct state *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned f = 1; f <= N; f++) {
		typeof(&out->frame[0]) c = &out->frame[name[f] - 1];

		*c = s->frame[f - 1];
		c->entry[0] = renamed(c->entry[0], name);
		c->entry[1] = renamed(c->entry[1], name);
	}
	out->kernel_l4 = name[s->kernel_l4];
	out->user_l4 = name[s->user_l4];
	out->parked = name[s->parked];
	out->gdt = name[s->gdt];
	out->tlb_frame = name[s->tlb_frame];
	out->tlb_use = s->tlb_use;
	out->handle = s->handle;
}

static bool next_permutation(u8 *a, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i && a[i - 1] >= a[i])
		i--;
	if (!i)
		return false;
	while (a[j] <= a[i - 1])
		j--;
	u8 t = a[i - 1];
	a[i - 1] = a[j], a[j] = t;
	for (unsigned k = n - 1; i < k; i++, k--)
		t = a[i], a[i] = a[k], a[k] = t;
	return true;
}

/*
 * Frames by rising colour; among those of one colour every order, and the smallest of what comes out. An order missed would only
 * keep one state twice.
 */
static void canonical(struct state *s)
{
	u64 colour[N + 1];
	u8 order[N], rank[N], name[N + 1] = { 0 };
	struct state best, other;
	bool ties = false, first = true;

	colours(s, colour);
	for (unsigned f = 1; f <= N; f++) {
		unsigned i = f - 1;

		for (; i && colour[order[i - 1]] > colour[f]; i--)
			order[i] = order[i - 1];
		order[i] = f;
	}
	for (unsigned i = 0; i < N; i++) {
		rank[i] = i && colour[order[i - 1]] == colour[order[i]] ? rank[i - 1] : i;
		ties |= rank[i] != i && (is_table(page_of(_mfn(order[i]))) || s->frame[order[i] - 1].general > 1);
	}
	u8 perm[N];
	for (unsigned i = 0; i < N; i++)
		perm[i] = i;
	do {
		bool fits = true;

		for (unsigned i = 0; i < N && fits; i++)
			fits = rank[perm[i]] == rank[i];
		if (!fits)
			continue;
		for (unsigned i = 0; i < N; i++)
			name[order[perm[i]]] = i + 1;
		rename_frames(s, name, &other);
		if (first || memcmp(&other, &best, sizeof(best)) < 0)
			best = other;
		first = false;
	} while (ties && next_permutation(perm, N));
	*s = best;
}

/* ---- The states seen ---- */

static struct state *states;
static u32 *parents, *table;
static u64 nr_states, max_states, table_mask;

static u64 hash(const struct state *s)
{
	u64 h = 0, word[DIV_ROUND_UP(sizeof(*s), 8)] = { 0 };

	memcpy(word, s, sizeof(*s));
	for (unsigned i = 0; i < ARRAY_SIZE(word); i++)
		h = mix(h, word[i] + 1);
	return h ^ h >> 32;
}

/* Its number, and whether it had been seen before. */
static u64 keep(const struct state *s, u64 parent, bool *seen)
{
	u64 h = hash(s) & table_mask;

	for (; table[h]; h = (h + 1) & table_mask)
		if (!memcmp(&states[table[h] - 1], s, sizeof(*s))) {
			*seen = true;
			return table[h] - 1;
		}
	if (nr_states == max_states) {
		printf("Bail out! more than %lu states\n", max_states);
		exit(1);
	}
	states[nr_states] = *s;
	parents[nr_states] = parent;
	table[h] = ++nr_states;
	*seen = false;
	return nr_states - 1;
}

/* ---- What can be done ---- */

#define TELL(...) do { if (telling) printf(__VA_ARGS__); } while (0)

/* The list of a batch is written as it is read: the second request knows what the first has done. */
static struct mmu_update list[2];

static void write_request(u64 at)
{
	unsigned f, slot = 0, level = 0;
	u64 how = MMU_NORMAL_PT_UPDATE;
	pte_t e = 0;			/* a plain store: what, is decided when it matters */

	if (at != (u64)&list[0] && at != (u64)&list[1])
		return;
	f = choose_frame();
	if (page_of(_mfn(f))->type_info & PGT_validated)
		level = type_level(page_of(_mfn(f))->type_info);
	if (level) {
		slot = 2 * choose(2);
		e = choose_entry(level);
		if (with_keep_ad && choose(2))
			how = MMU_PT_UPDATE_PRESERVE_AD;
	}
	TELL(" mmu_update(frame %u slot %u %lx)", f, slot, e);
	*(struct mmu_update *)at = (struct mmu_update){ ((u64)f << PAGE_SHIFT) + slot * sizeof(pte_t) + how, e };
}

/* Two requests in one call where there is a table whose updates owe something to the end of the batch. */
static void run_mmu_update(void)
{
	unsigned n = 1;
	long rc;

	if (with_batches && mfn_is_valid_num(this_vcpu.kernel_l4))
		n += choose(2);
	rc = hc_mmu_update((u64)list, n, 0, DOMID_SELF, 0, 0);
	TELL(" = %ld", rc);
}

/* A call that only finishes what is parked. */
static void run_nothing(void)
{
	long rc = hc_mmu_update(0, 0, 0, DOMID_SELF, 0, 0);

	TELL(" nothing = %ld", rc);
}

static void ext(unsigned cmd, u64 mfn)
{
	struct mmuext_op op = { .cmd = cmd };
	long rc;

	op.arg1.mfn = mfn;
	rc = hc_mmuext_op((u64)&op, 1, 0, DOMID_SELF, 0, 0);
	TELL(" mmuext %u(frame %lu) = %ld", cmd, mfn, rc);
}

static void run_pin(void) { unsigned level = choose(4); ext(MMUEXT_PIN_L1_TABLE + level, choose_frame()); }
static void run_unpin(void) { ext(MMUEXT_UNPIN_TABLE, choose_frame()); }
static void run_baseptr(void) { ext(MMUEXT_NEW_BASEPTR, choose_frame()); }
static void run_user_baseptr(void)
{
	if (with_user)
		ext(MMUEXT_NEW_USER_BASEPTR, choose(2) ? choose_frame() : 0);
}

static void run_update_va(void)
{
	u64 va = 0;
	long rc;

	if (!with_va)
		return;
	for (unsigned level = 1; level <= 4; level++)
		va |= 2ul * choose(2) << (L1_SHIFT + 9 * (level - 1));
	rc = hc_update_va_mapping(va, choose_entry(1), 0, 0, 0, 0);
	TELL(" update_va(%lx) = %ld", va, rc);
}

static void run_set_gdt(void)
{
	u64 list[1];
	long rc;

	if (!with_segments)
		return;
	if (choose(2)) {
		rc = hc_set_gdt(0, 0, 0, 0, 0, 0);
		TELL(" set_gdt() = %ld", rc);
		return;
	}
	list[0] = choose_frame();
	if (frame_ptr(list[0])[0] == PTE_UNDECIDED && choose(2))
		frame_ptr(list[0])[0] = 0x00008c0000000000;	/* present, a call gate */
	rc = hc_set_gdt((u64)list, 1, 0, 0, 0, 0);
	TELL(" set_gdt(frame %lu) = %ld", list[0], rc);
}

static void run_memory(void)
{
	static const unsigned ops[] = { XENMEM_decrease_reservation, XENMEM_populate_physmap, XENMEM_exchange };
	u64 list[1] = { 0 }, out[1] = { 0 };
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
	struct xen_memory_exchange x = {
		.in = { .nr_extents = 1, .domid = DOMID_SELF }, .out = { .nr_extents = 1, .domid = DOMID_SELF },
	};
	unsigned op;
	long rc;

	if (!with_memory)
		return;
	op = ops[choose(3)];
	if (op != XENMEM_populate_physmap)
		list[0] = choose_frame();
	r.extent_start.p = x.in.extent_start.p = (void *)list;
	x.out.extent_start.p = (void *)out;
	rc = hc_memory_op(op, op == XENMEM_exchange ? (u64)&x : (u64)&r, 0, 0, 0, 0);
	TELL(" memory_op %u(frame %lu) = %ld", op, list[0], rc);
}

/* Our domain maps the frame that is lent, by the address of an entry, or gives it back. */
static void run_grant(void)
{
	struct gnttab_map_grant_ref map = { .dom = 1 };
	struct gnttab_unmap_grant_ref unmap = { 0 };
	static const u32 kinds[] = { GNTMAP_host_map, GNTMAP_device_map, GNTMAP_host_map | GNTMAP_device_map };
	u64 entry = 0;

	if (!with_grants)
		return;
	if (!our_grants.nr_handles) {
		map.flags = kinds[choose(3)] | GNTMAP_contains_pte | (choose(2) ? GNTMAP_readonly : 0);
		if (map.flags & GNTMAP_host_map)
			map.host_addr = ((u64)choose_frame() << PAGE_SHIFT) + 16 * choose(2);
		hc_grant_table_op(GNTTABOP_map_grant_ref, (u64)&map, 1, 0, 0, 0);
		TELL(" map grant (flags %x, entry %lx) = %d", map.flags, map.host_addr, map.status);
		return;
	}
	if (choose(2))
		entry = ((u64)choose_frame() << PAGE_SHIFT) + 16 * choose(2);
	unmap.host_addr = entry;
	unmap.dev_bus_addr = choose(2) ? (u64)lent_frame << PAGE_SHIFT : 0;
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, (u64)&unmap, 1, 0, 0, 0);
	TELL(" unmap grant (entry %lx, device %lx) = %d", unmap.host_addr, unmap.dev_bus_addr, unmap.status);
}

/* What the other domain does to its frame: a store, which makes it writable for a moment; a pin, which makes it an L1; an unpin. */
static void run_other(void)
{
	struct page_info *pg = page_of(_mfn(lent_frame));
	int rc;

	if (!with_grants)
		return;
	switch (choose(3)) {
	case 0:
		rc = page_get_and_type(pg, &world_foreign, PGT_writable);
		if (!rc)
			page_put_and_type(pg);
		TELL(" the lender stores to its frame = %d", rc);
		break;
	case 1:
		rc = page_pin(&world_foreign, _mfn(lent_frame), PGT_l1);
		TELL(" the lender pins its frame = %d", rc);
		break;
	default:
		rc = page_unpin(&world_foreign, _mfn(lent_frame));
		TELL(" the lender unpins it = %d", rc);
	}
}

/* The processor takes one step: from a root, or from the table that it remembers; and forgets what it remembered before. */
static void run_walk(void)
{
	unsigned f = 0, level = 4, target;
	const pte_t *from = choose(2) ? user_root[0] : kernel_root[0];
	pte_t e;

	for (unsigned g = 1; g <= N; g++)
		for (unsigned u = USE_L1; u <= USE_L3; u++)
			if (tlb_use[g][u])
				f = g, level = 1 + u - USE_L1;
	if (f && choose(2)) {
		from = frame_ptr(f);
	} else if (from_anywhere && choose(2)) {
		f = choose_frame();
		level = type_level(page_of(_mfn(f))->type_info);
		if (!level || !(page_of(_mfn(f))->type_info & PGT_validated) || page_of(_mfn(f))->owner != world_domain.domid)
			return;
		from = frame_ptr(f);
	} else {
		level = 4;
	}
	e = from[2 * choose(2)];
	target = mfn_x(pte_mfn(e));
	if (!pte_present(e) || e & PTE_PS)
		return;
	memset(tlb_use, 0, sizeof(tlb_use));
	tlb_use[target][level > 1 ? USE_L1 + level - 2 : (e & PTE_RW) && choose(2) ? USE_WRITE : USE_READ] = true;
	TELL(" the processor walks from level %u to frame %u", level, target);
}

static void (*const actions[])(void) = {
	run_mmu_update, run_pin, run_unpin, run_baseptr, run_user_baseptr, run_nothing, run_update_va, run_set_gdt, run_memory,
	run_walk, run_grant, run_other,
};

/* ---- The search ---- */

static u64 nr_runs, nr_changed;

static bool roots_in_step(void)
{
	pte_t root[3];

	decode_root(root, this_vcpu.kernel_l4);
	if (memcmp(root, kernel_root[0], sizeof(root)))
		return false;
	decode_root(root, this_vcpu.user_l4);
	return !memcmp(root, user_root[0], sizeof(root));
}

static bool is_undecided(const struct state *s, unsigned f)
{
	return s->frame[f - 1].entry[0] == E_UNDECIDED && s->frame[f - 1].entry[1] == E_UNDECIDED;
}

static void begin(const struct state *s)
{
	decode(s);
	for (unsigned f = 1; f <= N; f++)
		is_plain[f] = s->frame[f - 1].general <= 1 && s->tlb_frame != f && is_undecided(s, f);
}

static bool is_wrong(void)
{
	bool wrong = !roots_in_step();

	if (wrong)
		printf("# failed: a root is not in step at rest\n");
	if (world_domain.leaving_list) {
		printf("# failed: frames have left and were not freed\n");
		wrong = true;
	}
	if (with_grants && handle_is_wrong()) {
		printf("# failed: a handle and what it stands for disagree\n");
		wrong = true;
	}
	return world_audit() || wrong;
}

static void tell_path(void);
static u64 exploring;

/* All that can follow state @number. With @wanted: only until it leads there, telling how. */
static bool explore(u64 number, u64 wanted)
{
	struct state s, after;
	bool seen;

	exploring = number;
	s = states[number];
	begin(&s);
	save_raw(&now);
	tape_known = 0;
	do {
		load_raw(&now);
		memset(is_named, 0, sizeof(is_named));
		tape_used = 0;
		actions[choose(sizeof(actions) / sizeof(actions[0]))]();
		nr_runs++;
		if (wanted == ~0ul && is_unchanged(&now))
			continue;
		nr_changed++;
		if (wanted == ~0ul && is_wrong()) {
			tell_path();
			return false;
		}
		encode(&after);
		canonical(&after);
		if (wanted == ~0ul) {
			keep(&after, number, &seen);
			continue;
		}
		if (!memcmp(&after, &states[wanted], sizeof(after)))
			return true;
	} while (next_tape());
	return wanted == ~0ul;
}

/* The run that is on the tape, once more and aloud, from the first state on. */
static void tell_path(void)
{
	u64 path[1000], n = 0;
	typeof(tape[0]) last[MAX_CHOICES];
	unsigned last_known = tape_known;

	if (telling)
		return;
	memcpy(last, tape, sizeof(last));
	for (u64 i = exploring; n < 1000; i = parents[i]) {
		path[n++] = i;
		if (!i)
			break;
	}
	telling = true;
	for (u64 i = n; i-- > 0;) {
		printf("# state %lu:", path[i]);
		if (i) {
			telling = false;
			explore(path[i], path[i - 1]);
			telling = true;
		} else {
			begin(&states[path[i]]);
			memcpy(tape, last, sizeof(last));
			tape_known = last_known;
		}
		if (i)
			begin(&states[path[i]]);
		memset(is_named, 0, sizeof(is_named));
		tape_used = 0;
		actions[choose(sizeof(actions) / sizeof(actions[0]))]();
		printf("\n");
	}
	world_audit();
	fflush(stdout);
}

static void set_up(const char *what)
{
	with_batches = strchr(what, 'b');
	with_segments = strchr(what, 's');
	with_va = strchr(what, 'v');
	with_memory = strchr(what, 'm');
	with_user = strchr(what, 'u');
	with_bad = strchr(what, 'x');
	with_keep_ad = strchr(what, 'k');
	with_readonly = strchr(what, 'r');
	world_chance = chance;
	world_on_panic = tell_path;
	world_on_copy = write_request;
	with_grants = strchr(what, 'g');
	from_anywhere = strchr(what, 't');
	world_reset();
	if (with_grants)
		make_grants();
	preempt_rate = 1;
	public_fault_rate = with_memory;
	table_mask = 1;
	while (table_mask < 2 * max_states)
		table_mask *= 2;
	states = mmap(NULL, max_states * sizeof(*states), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	parents = mmap(NULL, max_states * sizeof(*parents), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	table = mmap(NULL, table_mask-- * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "bux";
	unsigned depth = 0;
	struct state first;
	bool seen, good = true;
	u64 last_of_depth = 1;

	max_states = argc > 2 ? strtoul(argv[2], NULL, 0) : 1ul << 24;
	set_up(what);
	if (page_get_and_type(page_of(_mfn(1)), &world_domain, PGT_l4))
		panic("an empty L4 is refused");
	root_set_kernel(_mfn(1));
	encode(&first);
	canonical(&first);
	keep(&first, 0, &seen);
	for (u64 i = 0; i < nr_states && good; i++) {
		if (i == last_of_depth) {
			depth++;
			last_of_depth = nr_states;
			if (getenv("EXHAUST_PROGRESS"))
				fprintf(stderr, "depth %u: %lu states, %lu runs\n", depth, nr_states, nr_runs);
		}
		good = explore(i, ~0ul);
	}
	check(good, "a state is wrong");
	all_ok("every state that can be reached is right");
	printf("# world: %u frames of 2 entries, %u of them another domain's, %u free at first; operations '%s'\n", N, SMALL_FOREIGN,
	       SMALL_FREE, what);
	printf("# %lu states, %lu transitions, %lu of which change something; %u deep; %lu s\n", nr_states, nr_runs, nr_changed, depth,
	       (unsigned long)(clock() / CLOCKS_PER_SEC));
	return done();
}
