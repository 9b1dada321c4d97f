/* SPDX-License-Identifier: MIT */
/*
 * The tracking of touched pages, under guests that go on: three vCPUs write pages by what their
 * TLBs remember, have their caches cleaned and wait for that piece by piece; leaves come and go;
 * the hypervisor writes pages itself. Others have their turns whenever the lock is given back,
 * while CPUs are interrupted and while lines are flushed.
 *
 *   p2m_track OPERATIONS SEED
 *
 * The rule: when a vCPU's WBINVD has ended, no line of the guest's pages is dirty that was written
 * before it began. In the cases, which nobody disturbs, also how many pages are cleaned.
 */
#include "p2m_pages.h"
#include "tap.h"

#include <string.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/p2m_track.h>
#include <asm/tlb.h>


static u64 now = 1;

/* When the oldest write to each frame was that nobody has cleaned. */
static u64 dirty_since[NR_FRAMES];

/* Not the guest's any more: no leaf names it, TLBs may until CPUs have been interrupted. */
static u64 leaving;

static struct vcpu_model {
	u64 tlb[BASES][PLAYED], stamp;
	u64 began, want;		/* its WBINVD; want 0: none */
} vcpu[NR_VCPUS];

static unsigned batches_ended;

/* ---- The machine ----------------------------------------------------------------------------- */

static void enter(struct vcpu_model *v)
{
	if (v->stamp != p->stamp)
		memset(v->tlb, 0, sizeof(v->tlb));
	v->stamp = p->stamp;
}

static void write_frame(u64 m)
{
	if (!dirty_since[m])
		dirty_since[m] = now;
	now++;
}

/* A fetch: it faults where that is no right, or where nobody has touched. */
static void fetch(struct vcpu_model *v, unsigned b, u64 i)
{
	if (p2m_make_executable(p, _gfn(base[b] + i)))
		(void)p2m_touch(p, _gfn(base[b] + i));
	enter(v);
}

/* A store: by what the TLB remembers; or it walks, faults, is told to try again. */
static void store(struct vcpu_model *v, unsigned b, u64 i)
{
	for (unsigned tries = 0; !v->tlb[b][i]; tries++) {
		bool is_there;

		v->tlb[b][i] = hardware_walk(base[b] + i);
		if (v->tlb[b][i])
			break;
		is_there = p2m_touch(p, _gfn(base[b] + i));
		/* Others have had turns since: it may have come, or gone. */
		if (!is_there || tries > 20)
			return;
		enter(v);
	}
	check(v->tlb[b][i] >= FIRST_OWN, "the processor comes upon %lx", v->tlb[b][i]);
	write_frame(v->tlb[b][i]);
}

void flush_frame_lines(mfn_t m)
{
	check(!p2m_world_is_locked(), "the lock is held while lines are flushed");
	dirty_since[mfn_x(m)] = 0;
	others_run();
}

void tlb_flush_vcpus(const struct domain *of, u64 mask, u64 va)
{
	check(!p2m_world_is_locked(), "the lock is held while CPUs are waited for");
	others_run();
	for (unsigned i = 0; i < NR_VCPUS; i++)
		enter(&vcpu[i]);
}

/* ---- What goes on ---------------------------------------------------------------------------- */

static void ended(struct vcpu_model *v)
{
	for (u64 n = FIRST_OWN; n < NR_FRAMES; n++)
		check(n == leaving || !dirty_since[n] || dirty_since[n] > v->began,
		      "frame %lx, written at %lu, is not clean for who asked at %lu", n,
		      dirty_since[n], v->began);
	v->want = 0;
	batches_ended++;
}

static void clean_caches(struct vcpu_model *v)
{
	if (!v->want) {
		v->began = now++;
		v->want = p2m_batch_next(p);
	}
	if (p2m_batch_some(&d, p, v->want))
		ended(v);
	enter(v);
}

/* By a hypercall. */
static void write_ourselves(unsigned b, u64 i)
{
	u64 m = frame[b][i];

	if (!m)
		return;
	write_frame(m);
	p2m_written(p, _gfn(base[b] + i), page_of(_mfn(m)));
}

static void come_or_go(unsigned b, u64 i)
{
	mfn_t was;
	u64 m = frame[b][i];

	if (m) {
		frame[b][i] = 0;
		leaving = m;
		/* It is wiped, through the caches, before anybody has it. */
		if (!p2m_remove(&d, p, _gfn(base[b] + i), &was))
			dirty_since[m] = 0;
		leaving = 0;
		return;
	}
	m = FIRST_OWN + b * PLAYED + i;
	if (p2m_world_refs(m))
		return;
	frame[b][i] = m;
	/* With what has been written to it before. One step: who does not see it may miss it. */
	quiet = true;
	check(!p2m_add(&d, p, _gfn(base[b] + i), _mfn(m), 0), "adding at %lx", i);
	write_frame(m);
	quiet = false;
}

void act(unsigned nr)
{
	struct vcpu_model *v = &vcpu[nr];
	u64 r = random_u64();
	unsigned b = r & 1;
	u64 i = some_page();

	/* A WBINVD ends before its vCPU does anything else; the others go on. */
	if (v->want) {
		clean_caches(v);
		return;
	}
	if (!(r >> 1 & 7))
		enter(v);
	switch (r >> 4 & 15) {
	case 0:
		clean_caches(v);
		break;
	case 1:
		if (!others_depth)
			come_or_go(b, i);
		break;
	case 2:
		write_ourselves(b, i);
		break;
	case 3:
		if (!(r >> 8 & 31))
			fetch(v, b, i);
		break;
	default:
		store(v, b, i);
	}
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* @v's caches are cleaned, and nobody disturbs it: @pages are. */
static void cleans(struct vcpu_model *v, u64 pages, const char *what)
{
	do
		clean_caches(v);
	while (v->want);
	check(p->track.cleaned == pages, "%lu pages are cleaned, should be %lu", p->track.cleaned,
	      pages);
	all_ok(what);
}

static void cases(bool touched)
{
	u64 all = BASES * PLAYED;
	struct vcpu_model *v = &vcpu[0];

	cleans(v, touched ? 0 : all, "at first what has been built does not count");
	store(v, 0, 5);
	store(v, 0, 6);
	store(v, 1, 9);
	store(v, 1, 9);
	cleans(v, touched ? 3 : all, "three pages that have been touched are cleaned");
	cleans(v, touched ? 0 : all, "and not again");
	store(v, 0, 5);
	cleans(v, touched ? 1 : all, "but one that is touched once more is");
	store(&vcpu[1], 0, 5);
	cleans(v, touched ? 1 : all, "and one that another vCPU touches");
	store(&vcpu[1], 0, 5);
	cleans(v, touched ? 1 : all, "even if it has been in the guest all the time");
	store(v, 1, 700);
	cleans(v, touched ? 512 : all, "of a large leaf all is");
	ok(mfn_x(p2m_lookup(p, _gfn(base[0] + 7))) == frame[0][7],
	   "our own walks see what nobody has touched");
}

static void build(u8 mode)
{
	pages_build(mode);
	memset(vcpu, 0, sizeof(vcpu));
	memset(dirty_since, 0, sizeof(dirty_since));
	for (unsigned i = 0; i < NR_VCPUS; i++)
		enter(&vcpu[i]);
}

/* One domain's life. */
static void live(u8 mode, unsigned nr)
{
	build(mode);
	quiet = false;
	for (unsigned n = 0; n < nr; n++)
		act(random_u64() % NR_VCPUS);
	quiet = true;
	for (unsigned i = 0; i < NR_VCPUS; i++)
		while (vcpu[i].want)
			clean_caches(&vcpu[i]);
	pages_unbuild();
}

static void play(u8 mode, unsigned nr)
{
	printf("%s pages\n", mode == CACHE_ALL ? "all" : "touched");
	build(mode);
	cases(mode == CACHE_TOUCHED);
	pages_unbuild();
	batches_ended = 0;
	for (unsigned n = 0; n < nr; n += LIFE)
		live(mode, LIFE);
	ok(batches_ended > nr / 1000, "%u times caches were cleaned", batches_ended);
	all_ok("each time all that had been written before was clean, and nothing is left over");
}

int main(int argc, char **argv)
{
	return pages_main(argc, argv, play, CACHE_TOUCHED, CACHE_ALL);
}
