/* SPDX-License-Identifier: MIT */
/*
 * What the p2m stands on, and the processor that walks its tables: see p2m_world.h.
 */
#define _GNU_SOURCE
#include "p2m_world.h"
#include "tap.h"

#include <string.h>
#include <sys/mman.h>
#include <asm/hvm_domain.h>
#include <asm/insn.h>
#include <asm/layout.h>
#include <asm/p2m_entry.h>
#include <asm/page_ref.h>
#include <asm/pgentry.h>
#include <isola/page_alloc.h>
#include <isola/spinlock.h>

static struct hvm_domain hvm;
struct domain d = { .domid = 7, .hvm = &hvm };
struct p2m *const p = &hvm.p2m;
u32 nr_tables, fail_at;
u64 max_page = NR_FRAMES;
int walked_level;
bool walked_writable;

bool world_irq_off;

static u32 next_table = 1;
static u8 table_used[FIRST_OWN];
static bool is_locked;

/* Others have their turn whenever the lock is free, if the program has others. */
__attribute__((weak)) void others_run(void) {}

void cpu_relax(void) {}

bool p2m_world_is_locked(void) { return is_locked; }

bool mfn_has_page(mfn_t m) { return mfn_x(m) < NR_FRAMES; }
void spin_lock_init(spinlock_t *l, unsigned order) {}
void spin_lock(spinlock_t *l) { check(!is_locked, "locked twice"); is_locked = true; }
bool spin_is_held_here(const spinlock_t *l) { return is_locked; }

void spin_unlock(spinlock_t *l)
{
	is_locked = false;
	others_run();
}

/* The window is no part of this. */
void world_window_written(const pte_t *pl) {}

void *alloc_public_page(void)
{
	if (fail_at && !--fail_at)
		return NULL;
	for (u32 i = 0; i < FIRST_OWN; i++, next_table++) {
		if (next_table == FIRST_OWN)
			next_table = 1;
		if (table_used[next_table])
			continue;
		table_used[next_table] = 1;
		nr_tables++;
		memset(public_ptr(_mfn(next_table)), 0, PAGE_SIZE);
		return public_ptr(_mfn(next_table));
	}
	return NULL;
}

void free_public_page(void *page)
{
	u64 n = mfn_x(public_mfn(page));

	check(n < FIRST_OWN && table_used[n], "table %lx is freed twice", n);
	table_used[n] = 0;
	nr_tables--;
	/* What still walks it sees nonsense. */
	memset(page, 0xa5, PAGE_SIZE);
}

/* Held: a leaf that names it is there, and cannot go meanwhile. */
u32 foreign;
bool page_get_foreign(struct page_info *pg, const struct domain *owner)
{
	check(p2m_world_is_locked(), "a foreign reference is taken without the lock");
	if (pg->owner != owner->domid)
		return false;
	foreign++;
	return true;
}

bool page_get_asking(struct page_info *pg, const struct domain *of) { return false; }
void page_put_asking(struct page_info *pg) { check(false, "a put of a frame that is shared"); }
void page_put_check(const struct page_info *pg) { check(false, "a put too many"); }

/* Leaves that are logged alone cannot be written. */
static bool can_lack_w(u64 e, bool is_leaf)
{
	return !(e & PTE_RW) == (is_leaf && e & P2M_LOGGED);
}

/* APM vol. 2 §15.25.5: every walk is a user's; guests' tables are written. False: a fault. */
static bool npt_takes(u64 e, int level, bool is_leaf)
{
	if (!(e & PTE_P))
		return false;
	walked_writable = e & PTE_RW;
	check((e & (PTE_US | PTE_A)) == (PTE_US | PTE_A) && can_lack_w(e, is_leaf) &&
	      !(e & (PTE_PWT | PTE_PCD | PTE_NX)) && (!is_leaf || e & PTE_D),
	      "an entry of level %d is %lx", level, e);
	return true;
}

/* SDM vol. 3 §28.3.3.1: what is no violation must not be a misconfiguration. */
static bool ept_takes(u64 e, int level, bool is_leaf)
{
	u64 rights = e & 7, rest = e & 0x7ff8000000000078ul;
	bool execute = p2m_format == &p2m_ept || level == 1 || !is_leaf;

	if (!rights)
		return false;
	walked_writable = rights & 2;
	/* Write-back, whatever the guest says; for a table these bits are reserved. */
	check((rights | 2) == (execute ? 7 : 3) && can_lack_w(e, is_leaf) &&
	      (rest & 0x78) == (is_leaf ? 0x70 : 0),
	      "an entry of level %d is %lx", level, e);
	return true;
}

/* The processor's walk of @gfn, without the p2m's own code. 0: a hole. */
u64 hardware_walk(u64 gfn)
{
	u64 *t = public_ptr(p->root);

	for (int level = 4;; level--) {
		u64 e = t[gfn >> 9 * (level - 1) & 511];
		bool is_leaf = level == 1 || e & PTE_PS;

		if (!(p2m_format == &p2m_npt ? npt_takes : ept_takes)(e, level, is_leaf))
			return 0;
		if (is_leaf) {
			check(level <= 2, "a leaf of level %d", level);
			walked_level = level;
			return ((e & PTE_ADDR) >> 12) + (level == 2 ? gfn & 511 : 0);
		}
		t = public_ptr(_mfn((e & PTE_ADDR) >> 12));
	}
}

bool p2m_world_create(void)
{
	if (mmap((void *)VA_FRAMETABLE, NR_FRAMES * sizeof(struct page_info),
		 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED ||
	    mmap((void *)VA_PUBLIC, FIRST_OWN * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		printf("Bail out! no memory at the simulated addresses\n");
		return false;
	}
	for (u32 n = FIRST_OWN; n < NR_FRAMES; n++)
		*page_of(_mfn(n)) = (struct page_info){ .count_info = PGC_unshared,
							.owner = d.domid };
	return true;
}

u64 p2m_world_refs(u64 n)
{
	return page_of(_mfn(n))->count_info & PGC_own_mask;
}
