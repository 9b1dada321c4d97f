/* SPDX-License-Identifier: MIT */
/*
 * The p2m, in each format, against a map: leaves of both sizes come, are split and go at random,
 * with the frames' counts recomputed, every table walked as the processor does, allocations that
 * fail, and a TLB that remembers what it has seen until a CPU that was interrupted enters again.
 *
 * Flags: -Itests/unit/mm/include -Itests/unit/mm
 * Sources: arch/x86/mm/p2m.c arch/x86/mm/p2m_format.c arch/x86/mm/p2m_touch.c
 * Sources: tests/unit/mm/p2m_world.c tests/unit/mm/panic.c
 */
#include "p2m_world.h"
#include "tap.h"

#include <string.h>
#include <asm/page_ref.h>
#include <asm/tlb.h>

#define NR_GFNS		(1u << 19)	/* the end lies in the second GiB... */
#define PLAYED		2048u		/* ...and these are played with, from each of two bases */
#define BASES		2u

static const u64 base[BASES] = { 0, (1ul << 18) + 512 };
static u64 model[BASES][PLAYED];	/* mfn; 0: a hole */
static u32 refs[NR_FRAMES];		/* leaves that name it */

/* ---- The processor --------------------------------------------------------------------------- */

/* One CPU's TLB: what it has seen, until it flushes, as hvm/turns.c does, by the stamp. */
static u64 tlb[BASES][PLAYED], tlb_stamp;
static mfn_t removing;			/* what p2m_remove() must still hold when it interrupts */
static gfn_t removing_gfn;
static unsigned interrupts;

static void enter(void)
{
	if (tlb_stamp != p->stamp)
		memset(tlb, 0, sizeof(tlb));
	tlb_stamp = p->stamp;
}

/* The guest runs on with what it remembers. */
static u64 touch(unsigned b, u64 i)
{
	if (!tlb[b][i])
		tlb[b][i] = hardware_walk(base[b] + i);
	return tlb[b][i];
}

void tlb_flush_vcpus(const struct domain *of, u64 mask, u64 va)
{
	u64 n = mfn_x(removing);

	check(!p2m_world_is_locked(), "the lock is held while CPUs are waited for");
	check(of == &d && mask == ~0ul && va == ~0ul, "not all of the domain's CPUs");
	check(!hardware_walk(gfn_x(removing_gfn)), "the leaf is there still");
	check(tlb_stamp != p->stamp, "the stamp has not moved");
	check(p2m_world_refs(n) == refs[n],
	      "the reference went before the flush");
	interrupts++;
	enter();
}

/* ---- Operations ------------------------------------------------------------------------------ */

static u64 own(u64 n)
{
	return FIRST_OWN + n % (NR_FRAMES - FIRST_OWN);
}

static bool is_free(unsigned b, u64 i, u64 nr)
{
	for (u64 k = 0; k < nr; k++)
		if (model[b][i + k])
			return false;
	return true;
}

static void add(unsigned b, u64 i, u64 m, unsigned order)
{
	u64 nr = 1ul << order;
	bool can_fail = fail_at;
	int rc = p2m_add(&d, p, _gfn(base[b] + i), _mfn(m), order);

	if (can_fail && rc == -ENOMEM)
		return;
	/* Where there is a table nothing large fits, holes or no. */
	if (rc == -EEXIST && order)
		return;
	check(rc == (is_free(b, i, nr) ? 0 : -EEXIST), "adding at %lx order %u: %d", i, order, rc);
	for (u64 k = 0; !rc && k < nr; k++) {
		model[b][i + k] = m + k;
		refs[m + k]++;
	}
}

static void drop(unsigned b, u64 i)
{
	bool can_fail = fail_at;
	mfn_t was = INVALID_MFN;
	unsigned before = interrupts;
	int rc;

	removing = _mfn(model[b][i]);
	removing_gfn = _gfn(base[b] + i);
	rc = p2m_remove(&d, p, removing_gfn, &was);
	if (can_fail && rc == -ENOMEM)
		return;
	check(rc == (model[b][i] ? 0 : -ENOENT), "removing %lx: %d", i, rc);
	if (rc)
		return;
	check(mfn_x(was) == model[b][i], "%lx was said to be %lx", i, mfn_x(was));
	check(interrupts == before + 1, "nobody was interrupted");
	refs[model[b][i]]--;
	model[b][i] = 0;
}

/* What an executable leaf of 2 MiB would be dangerous for (XSA-304) comes one by one. */
static void execute(unsigned b, u64 i)
{
	bool can_fail = fail_at, is_there = model[b][i];
	bool done = p2m_make_executable(p, _gfn(base[b] + i));

	if (can_fail && !done)
		return;
	check(done == is_there, "executing %lx", i);
	if (done)
		check(hardware_walk(base[b] + i) == model[b][i] && walked_level == 1,
		      "%lx cannot be executed yet", i);
}

static void compare(void)
{
	for (unsigned b = 0; b < BASES; b++)
		for (u64 i = 0; i < PLAYED; i++) {
			u64 seen = hardware_walk(base[b] + i);
			mfn_t m = p2m_lookup(p, _gfn(base[b] + i));

			check(seen == model[b][i], "%lx shows %lx, should %lx", i, seen,
			      model[b][i]);
			check(mfn_x(m) == (seen ? seen : ~0ul), "%lx is looked up as %lx", i,
			      mfn_x(m));
			check(!tlb[b][i] || tlb_stamp != p->stamp || tlb[b][i] == model[b][i],
			      "the TLB has %lx at %lx", tlb[b][i], i);
		}
	for (u32 n = FIRST_OWN; n < NR_FRAMES; n++)
		check(p2m_world_refs(n) == refs[n], "frame %x has %lx references, should have %x",
		      n, p2m_world_refs(n), refs[n]);
	check(p->nr_tables == nr_tables, "%u tables, counted %u", nr_tables, p->nr_tables);
}

static void play(unsigned nr)
{
	for (unsigned n = 0; n < nr; n++) {
		u64 r = tap_random();
		unsigned b = r & 1;
		u64 i = r >> 8 & (PLAYED - 1), m = own(r >> 24);

		fail_at = r >> 4 & 7 ? 0 : (r >> 56 & 3) + 1;
		switch (r >> 1 & 7) {
		case 0: case 1:
			add(b, i, m, 0);
			break;
		case 2:
			add(b, i & ~511ul, m & ~511ul, P2M_LARGE);
			break;
		case 3:
			/* A whole 2 MiB goes, so that large ones come again where no table is. */
			for (u64 k = 0; k < 512; k++)
				drop(b, (i & ~511ul) + k);
			break;
		case 4: case 5:
			drop(b, i);
			break;
		case 6:
			if (!(r >> 60))
				execute(b, i);
			break;
		default:
			enter();
			touch(b, i);
		}
		fail_at = 0;
		if (!(n % 64))
			compare();
	}
	compare();
}

static void refusals(void)
{
	mfn_t was;

	ok(p2m_add(&d, p, _gfn(NR_GFNS), _mfn(FIRST_OWN), 0) == -EINVAL &&
	   p2m_add(&d, p, _gfn(~0ul), _mfn(FIRST_OWN), 0) == -EINVAL &&
	   p2m_add(&d, p, _gfn(NR_GFNS - 256), _mfn(FIRST_OWN), P2M_LARGE) == -EINVAL,
	   "a gfn beyond the end is refused");
	ok(p2m_add(&d, p, _gfn(1), _mfn(FIRST_OWN), P2M_LARGE) == -EINVAL &&
	   p2m_add(&d, p, _gfn(0), _mfn(FIRST_OWN + 1), P2M_LARGE) == -EINVAL,
	   "a large leaf that is not aligned is refused");
	page_of(_mfn(FIRST_OWN + 5))->owner = 8;
	ok(p2m_add(&d, p, _gfn(0), _mfn(FIRST_OWN), P2M_LARGE) == -EINVAL &&
	   p2m_add(&d, p, _gfn(0), _mfn(NR_FRAMES), 0) == -EINVAL,
	   "a frame of another's, or that there is none of, is refused");
	page_of(_mfn(FIRST_OWN + 5))->owner = d.domid;
	compare();
	all_ok("and no count has changed");
	ok(p2m_remove(&d, p, _gfn(NR_GFNS), &was) == -ENOENT &&
	   p2m_remove(&d, p, _gfn(3), &was) == -ENOENT, "nothing is removed where nothing is");
	ok(!mfn_is_valid_num(p2m_lookup(p, _gfn(~0ul))) &&
	   !p2m_get_page(&d, p, _gfn(1ul << 40)), "no gfn beyond is looked up");
}

static void get_page(void)
{
	struct page_info *pg;

	add(0, 9, FIRST_OWN + 77, 0);
	pg = p2m_get_page(&d, p, _gfn(9));
	ok(pg == page_of(_mfn(FIRST_OWN + 77)) && p2m_world_refs(FIRST_OWN + 77) == 2,
	   "a page is got with a reference of its own");
	page_put(pg);
	ok(p2m_get_foreign(&d, p, _gfn(9)) == page_of(_mfn(FIRST_OWN + 77)) && foreign == 1,
	   "and for another domain with one of its kind");
	drop(0, 9);
	ok(!p2m_get_foreign(&d, p, _gfn(9)) && !p2m_get_foreign(&d, p, _gfn(NR_GFNS)) &&
	   foreign == 1, "where nothing is, nor can be, it gets none");
}

/* Its tables are counted against a pool. */
static void pool(void)
{
	u32 had = p->nr_tables;

	p->max_tables = had;
	ok(p2m_add(&d, p, _gfn(NR_GFNS - 1), _mfn(FIRST_OWN), 0) == -ENOMEM &&
	   nr_tables == had, "with an empty pool no table is made");
	p->max_tables = had + 1;
	ok(p2m_add(&d, p, _gfn(NR_GFNS - 1), _mfn(FIRST_OWN), 0) == -ENOMEM &&
	   nr_tables == had + 1, "nor more than it has pages for");
	p->max_tables = ~0u;
	compare();
	all_ok("and no count has changed by that");
}

/* Tables alone are freed: the domain's frames are given back as they are. */
static void take_apart(void)
{
	unsigned steps = 0;
	mfn_t was;

	/* In the second GiB, whose tables are there still when those of the first are not. */
	for (u64 i = 0; i < PLAYED; i++)
		drop(1, i);
	add(1, 9, FIRST_OWN + 77, 0);
	steps = p2m_destroy_some(p);
	ok(steps, "it is taken apart step by step");
	ok(!p2m_get_foreign(&d, p, _gfn(base[1] + 9)) &&
	   p2m_add(&d, p, _gfn(base[1] + 10), _mfn(FIRST_OWN), 0) == -EINVAL &&
	   p2m_remove(&d, p, _gfn(base[1] + 9), &was) == -ENOENT,
	   "from the first on nobody outside finds anything in it, adds or removes");
	while (p2m_destroy_some(p))
		steps++;
	ok(steps > 1 && !nr_tables && !mfn_is_valid_num(p->root),
	   "in %u steps every table is freed, once", steps);
	ok(!p2m_destroy_some(p), "and there is no more to do");
}

static void all_of(const struct p2m_format *format, const char *name)
{
	printf("# %s\n", name);
	p2m_format = format;
	memset(model, 0, sizeof(model));
	memset(refs, 0, sizeof(refs));
	memset(tlb, 0, sizeof(tlb));
	foreign = 0;
	fail_at = 1;
	ok(p2m_create(p, NR_GFNS) == -ENOMEM && !p2m_destroy_some(p),
	   "without a page there is none, and nothing to be undone");
	ok(!p2m_create(p, NR_GFNS), "it is made");
	refusals();
	get_page();
	pool();
	play(20000);
	all_ok("20,000 operations: the tables, the counts and the TLB are as the map says");
	take_apart();
	all_ok("no table was freed twice");
}

int main(void)
{
	static const struct { const struct p2m_format *format; const char *name; } formats[] = {
		{ &p2m_npt, "NPT" }, { &p2m_ept, "EPT" },
		{ &p2m_ept_split, "EPT without executable leaves of 2 MiB" },
	};

	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!p2m_world_create())
			return 1;
		all_of(formats[i].format, formats[i].name);
	}
	return done();
}
