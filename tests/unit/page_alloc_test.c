/* SPDX-License-Identifier: MIT */
/*
 * The page allocator over a simulated machine: 512 MiB in two pieces with a hole between them, a
 * frame table that can be watched.
 *
 * Flags: -Itests/unit/mm/include
 * Sources: arch/x86/frames/page_alloc.c
 */
#define _GNU_SOURCE
#include "tap.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <asm/cpu_window.h>
#include <asm/frametable.h>
#include <asm/hyper_pt.h>
#include <asm/numa.h>
#include <isola/page_alloc.h>
#include <isola/panic.h>
#include <isola/spinlock.h>

#define LOW_END		0x4000u			/* 64 MiB */
/* 256 MiB, where a piece of the frame table begins */
#define HIGH_START	0x10000u
#define HIGH_END	0x18000u
#define NR_FRAMES	HIGH_END
#define LOW_BITS	26
#define TABLE_BYTES	ROUNDUP(NR_FRAMES * sizeof(struct page_info), PAGE_SIZE)

/* The model: given out by the allocator; holds zeroes only. */
static uint8_t taken[NR_FRAMES], wiped[NR_FRAMES];

/* ---- What the allocator calls ---- */

u64 max_page = NR_FRAMES;
static unsigned locked;
static void (*on_lock)(void);

bool mfn_has_page(mfn_t m)
{
	return mfn_x(m) < LOW_END || (mfn_x(m) >= HIGH_START && mfn_x(m) < HIGH_END);
}
void scrub_frame(mfn_t m)
{
	check(!locked && mfn_has_page(m), "a frame is scrubbed under the lock");
	check(!wiped[mfn_x(m)], "frame %lx is scrubbed twice", mfn_x(m));
	wiped[mfn_x(m)] = 1;
}
int hyper_map_public_block(mfn_t first)
{
	return mprotect(public_ptr(first), MIB(2), PROT_READ | PROT_WRITE);
}
bool hyper_pt_is_short(void) { return false; }

/* Two nodes that take turns, in pieces that are no whole blocks. */
#define NODE_PIECE	0x1234ul
unsigned numa_nr_nodes = 2;

/* Below frame @n, of node 0. */
static u64 first_node_below(u64 n)
{
	return n / (2 * NODE_PIECE) * NODE_PIECE + min(n % (2 * NODE_PIECE), NODE_PIECE);
}

u64 numa_frames_of(unsigned node, u64 first, u64 nr)
{
	u64 of_first = first_node_below(first + nr) - first_node_below(first);

	return node ? nr - of_first : of_first;
}

static void check_nodes(void)
{
	check(nr_free_pages_of(0) + nr_free_pages_of(1) == nr_free_pages(),
	      "of %lu free pages nodes have %lu and %lu", nr_free_pages(), nr_free_pages_of(0),
	      nr_free_pages_of(1));
}

void hyper_pt_refill(void *table) {}

void spin_lock(spinlock_t *l)
{
	if (on_lock)
		on_lock();
	locked++;
}

void spin_unlock(spinlock_t *l)
{
	locked--;
}

bool spin_is_held_here(const spinlock_t *l)
{
	return locked;
}

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

/* ---- Blocks ---- */

static void setup(void)
{
	void *p = mmap((void *)VA_FRAMETABLE, TABLE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED ||
	    mmap((void *)VA_PUBLIC, NR_FRAMES * PAGE_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
		printf("Bail out! no memory at the simulated addresses\n");
		exit(1);
	}
	for (u32 n = 0; n < NR_FRAMES; n++)
		*page_of(_mfn(n)) = (struct page_info){ .count_info = PGC_hv };
	page_alloc_add_ram(_mfn(1), LOW_END - 1);
	page_alloc_add_ram(_mfn(HIGH_START), HIGH_END - HIGH_START);
}

/* A block from the allocator, checked against the model, or INVALID_MFN. */
static mfn_t take(unsigned order, unsigned bits)
{
	mfn_t m = page_alloc(ALLOC_DOMAIN, order, bits);
	u64 n = mfn_x(m);

	if (!mfn_is_valid_num(m))
		return m;
	check(!(n & ((1ul << order) - 1)), "block %lx of order %u is not aligned", n, order);
	check(!bits || bits > 63 || (n + (1ul << order)) << PAGE_SHIFT <= 1ul << bits,
	      "block %lx of order %u is not below 2^%u", n, order, bits);
	for (u64 i = n; i < n + (1ul << order); i++) {
		check(mfn_has_page(_mfn(i)) && i, "frame %lx is no RAM", i);
		check(!taken[i], "frame %lx is given out twice", i);
		check(page_of(_mfn(i))->count_info == PGC_hv, "frame %lx has count %lx", i,
		      page_of(_mfn(i))->count_info);
		check(wiped[i], "frame %lx holds what it held before", i);
		taken[i] = 1;
		wiped[i] = 0;
	}
	return m;
}

static void give(mfn_t m, unsigned order)
{
	memset(&taken[mfn_x(m)], 0, 1ul << order);
	if (order || tap_random() % 2) {
		page_free(ALLOC_DOMAIN, m, order);
	} else {
		wiped[mfn_x(m)] = 1;
		page_free_scrubbed(m);
	}
}

static void test_random(void)
{
	static struct { mfn_t m; unsigned order; } held[4000];
	unsigned nr = 0;
	u64 before = nr_free_pages();

	for (unsigned round = 0; round < 200000; round++) {
		if (nr < 4000 && tap_random() % 2) {
			unsigned order = tap_random() % 8 ? tap_random() % 3 : tap_random() % 14;
			unsigned bits = tap_random() % 2 ? 0 : tap_random() % 70;
			mfn_t m = take(order, bits);

			if (mfn_is_valid_num(m)) {
				held[nr].m = m;
				held[nr++].order = order;
			}
		} else if (nr) {
			unsigned i = tap_random() % nr;

			give(held[i].m, held[i].order);
			held[i] = held[--nr];
		}
		check_nodes();
	}
	while (nr--)
		give(held[nr].m, held[nr].order);
	check(nr_free_pages() == before, "%lu pages are free, were %lu", nr_free_pages(), before);
	check_nodes();
	all_ok("200000 random steps: blocks are aligned, below the limit asked for, nobody else's, "
	       "wiped once, and all come back");
	/* Merged: the high piece is one block again, the low one has its two largest. */
	for (unsigned i = 0; i < 2; i++) {
		mfn_t m = take(i ? 13 : 15, i ? LOW_BITS : 0);

		check(mfn_is_valid_num(m), "block %u cannot be had", i);
		if (mfn_is_valid_num(m))
			give(m, i ? 13 : 15);
	}
	all_ok("what was cut is merged");
}

static void test_places(void)
{
	mfn_t m = take(0, 0);

	ok(mfn_x(m) >= HIGH_START, "who can use any frame gets none that others need");
	give(m, 0);
	check(!mfn_is_valid_num(page_alloc(ALLOC_DOMAIN, 0, PAGE_SHIFT)), "an address below 2^12");
	check(!mfn_is_valid_num(page_alloc(ALLOC_DOMAIN, 0, 1)), "an address below 2");
	check(!mfn_is_valid_num(page_alloc(ALLOC_DOMAIN, 14, LOW_BITS)),
	      "a block that is not there");
	check(!mfn_is_valid_num(page_alloc(ALLOC_DOMAIN, MAX_ORDER + 1, 0)),
	      "an order beyond the last");
	m = take(0, 13);
	check(mfn_x(m) == 1, "frame 1 is the only one below 2^13");
	check(!mfn_is_valid_num(page_alloc(ALLOC_DOMAIN, 0, 13)), "it is taken");
	give(m, 0);
	all_ok("limits that nothing meets are refused");
}

static void test_public(void)
{
	void *pages[1100];
	u64 before = nr_public_pages();

	for (unsigned i = 0; i < 1100; i++) {
		pages[i] = alloc_public_page();
		check(pages[i] && *(u64 *)pages[i] == 0, "public page %u", i);
		if (pages[i])
			memset(pages[i], 0xff, PAGE_SIZE);
	}
	for (unsigned i = 0; i < 1100; i++)
		free_public_page(pages[i]);
	check(nr_public_pages() == before + 3 * 512, "three blocks were taken");
	for (unsigned i = 0; i < 1100; i++)
		check(*(u64 *)(pages[i] = alloc_public_page()) == 0, "public page %u, again", i);
	check(nr_public_pages() == before + 3 * 512, "no fourth one");
	for (unsigned i = 0; i < 1100; i++)
		free_public_page(pages[i]);
	all_ok("the public pool grows by blocks that it keeps; pages come zeroed");
}

/* ---- Which records are touched ---- */

static sigjmp_buf on_fault;

static void fault_handler(int signal)
{
	siglongjmp(on_fault, 1);
}

static void protect(u32 from, u32 to, int how)
{
	mprotect(page_of(_mfn(from)), (to - from) * sizeof(struct page_info), how);
}

/* CON-1: the lists of what is above the limit are as long as a guest likes. */
static void test_bound(void)
{
	static mfn_t high[0x4000];
	struct sigaction old, act = { .sa_handler = fault_handler };
	volatile bool good = true;

	for (unsigned i = 0; i < 0x4000; i++)
		high[i] = take(0, 0);
	for (unsigned i = 0; i < 0x4000; i += 2)
		give(high[i], 0);
	sigaction(SIGSEGV, &act, &old);
	protect(HIGH_START, HIGH_END, PROT_NONE);
	if (sigsetjmp(on_fault, 1))
		good = false;
	else
		good = mfn_is_valid_num(take(0, LOW_BITS)) && mfn_is_valid_num(take(3, LOW_BITS));
	protect(HIGH_START, HIGH_END, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &old, NULL);
	locked = 0;
	ok(good, "a frame below a limit is found without a look at 8192 free ones above it");
	for (unsigned i = 1; i < 0x4000; i += 2)
		give(high[i], 0);
}

/* ---- Every state in which another CPU may find a frame that is on its way to the allocator --- */

static u32 watched, nr_watched, nr_stores;

static void look(void)
{
	for (u32 n = watched; n < watched + nr_watched; n++) {
		const struct page_info *pg = page_of(_mfn(n));

		check(pg->count_info || !(pg->tlb_stamp & 0x80000000u),
		      "frame %x looks like a free block after store %u", n, nr_stores);
	}
}

static void store_begins(int signal, siginfo_t *info, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= 0x100;	/* one instruction */
	mprotect((void *)VA_FRAMETABLE, TABLE_BYTES, PROT_READ | PROT_WRITE);
}

static void store_done(int signal, siginfo_t *info, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
	nr_stores++;
	look();
	mprotect((void *)VA_FRAMETABLE, TABLE_BYTES, PROT_READ);
}

static void watch_ends(void)
{
	look();
	mprotect((void *)VA_FRAMETABLE, TABLE_BYTES, PROT_READ | PROT_WRITE);
	on_lock = NULL;
}

static void test_retire(void)
{
	struct sigaction old[2], begin = { .sa_sigaction = store_begins, .sa_flags = SA_SIGINFO },
				 done_ = { .sa_sigaction = store_done, .sa_flags = SA_SIGINFO };
	mfn_t m = take(2, 0);

	watched = mfn_x(m);
	nr_watched = 4;
	for (unsigned i = 0; i < 4; i++)
		*page_of(mfn_add(m, i)) = (struct page_info){ .count_info = PGC_hv,
							      .type_info = PGT_writable,
							      .tlb_stamp = 0x80000000u | i,
							      .next = 7,
							      .prev = 9 };
	sigaction(SIGSEGV, &begin, &old[0]);
	sigaction(SIGTRAP, &done_, &old[1]);
	on_lock = watch_ends;
	mprotect((void *)VA_FRAMETABLE, TABLE_BYTES, PROT_READ);
	give(m, 2);
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGTRAP, &old[1], NULL);
	check(nr_stores >= 8, "only %u stores were seen", nr_stores);
	all_ok("a frame with any flush stamp never looks like the head of a free block on its way "
	       "to become free");
}

int main(void)
{
	setup();
	test_random();
	test_places();
	test_public();
	test_bound();
	test_retire();
	return done();
}
