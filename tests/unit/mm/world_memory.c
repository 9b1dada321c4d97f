/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: who gives memory, of guests and of the hypervisor; locks; what the
 * machine and its policy are.
 */
#include <stdlib.h>
#include <string.h>
#include <asm/asi_policy.h>
#include <asm/bootmem.h>
#include <asm/cpu_window.h>
#include <asm/hyper_pt.h>
#include <asm/mapcache.h>
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include "world_parts.h"

static bool public_used[NR_PUBLIC];
static void *heap[64];
static unsigned heap_used;
unsigned public_fault_rate, world_mapped;

void world_memory_reset(void)
{
	memset(public_used, 0, sizeof(public_used));
	memset(past_caches, 0, sizeof(past_caches));
	memset(wiped_in_caches, 0, sizeof(wiped_in_caches));
	public_fault_rate = world_mapped = 0;
	while (heap_used)
		free(heap[--heap_used]);
}

/* ---- Caches ---- */

bool past_caches[NR_FRAMES], wiped_in_caches[NR_FRAMES];

static void wipe(unsigned f)
{
	memset(frame_ptr(f), 0, PAGE_SIZE);
	if (f < NR_FRAMES)
		wiped_in_caches[f] = true;
}

/* In vain for whoever may still store past them. */
void flush_frame_lines(mfn_t m)
{
	u64 f = mfn_x(m);

	wiped_in_caches[f] = false;
	past_caches[f] &= tlb_use[f][USE_WRITE] || world_other.tlb_use[f][USE_WRITE];
}

/* ---- Guests' memory ---- */

mfn_t page_alloc_claimed(unsigned order, unsigned max_bits, u32 *claim)
{
	(void)claim;
	return page_alloc(ALLOC_DOMAIN, order, max_bits);
}

int page_claim(u32 *claim, u32 nr)
{
	*claim = nr;
	return 0;
}

mfn_t page_alloc(enum alloc_class class, unsigned order,
		 unsigned max_bits)
{
	for (unsigned f = 0; order == 0 && f < IO_FIRST; f++)
		if (page_of(_mfn(f))->count_info == 0) {
			wipe(f);
			page_of(_mfn(f))->count_info = PGC_hv;
			return _mfn(f);
		}
	return INVALID_MFN;
}

void scrub_frame(mfn_t m) { wipe(mfn_x(m)); }

void page_free(enum alloc_class class, mfn_t m, unsigned order)
{
	if (page_of(m)->count_info != PGC_hv)
		panic("frame %lx looks free before the allocator has it", mfn_x(m));
	if (mfn_x(m) < NR_FRAMES && past_caches[mfn_x(m)])
		panic("frame %lx is freed while caches and memory disagree", mfn_x(m));
	*page_of(m) = (struct page_info){ .owner = DOMID_INVALID };
	memset(frame_ptr(mfn_x(m)), 0x5a, PAGE_SIZE);
}

void page_free_scrubbed(mfn_t m)
{
	const u64 *words = frame_ptr(mfn_x(m));

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		if (words[i])
			panic("frame %lx is not free of what it held", mfn_x(m));
	page_free(ALLOC_DOMAIN, m, 0);
}

unsigned world_page_left = ~0u;

/* ---- Public memory: objects; pages for the window's tables ---- */

void *public_alloc(size_t size)
{
	void *p;

	if (heap_used == ARRAY_SIZE(heap) || world_chance(public_fault_rate))
		return NULL;
	p = calloc(1, size);
	heap[heap_used++] = p;
	return p;
}

void public_free(void *p)
{
	for (unsigned i = 0; p && i < heap_used; i++)
		if (heap[i] == p) {
			heap[i] = heap[--heap_used];
			free(p);
			return;
		}
	BUG_ON(p);
}

void *alloc_public_page(void)
{
	for (unsigned i = 0; i < NR_PUBLIC; i++)
		if (!public_used[i]) {
			void *p = public_ptr(_mfn(PUBLIC_FIRST + i));

			if (world_chance(public_fault_rate) || !world_page_left)
				return NULL;
			world_page_left--;
			public_used[i] = true;
			return memset(p, 0, PAGE_SIZE);
		}
	return NULL;
}

void free_public_page(void *page)
{
	unsigned i = mfn_x(public_mfn(page)) - PUBLIC_FIRST;

	BUG_ON(i >= NR_PUBLIC || !public_used[i]);
	*page_of(public_mfn(page)) = (struct page_info){ .owner = DOMID_INVALID };
	public_used[i] = false;
}

bool world_window_held;

unsigned world_public_used(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_PUBLIC; i++)
		n += public_used[i];
	return n;
}

void *bootmem_public_page(void) { return alloc_public_page(); }

struct asi_class world_isolated = { .vcpu_pt = true };
struct asi_policy asi_policy = { .pv = { .vcpu_pt = true }, .dom0 = { .vcpu_pt = true } };
const struct asi_class *asi_class_of(const struct domain *d) { (void)d; return &world_isolated; }

void spin_lock_init(spinlock_t *l, unsigned order) { *l = (spinlock_t){ .order = order }; }

void spin_lock(spinlock_t *l)
{
	if (world_yield)
		world_yield(false);
	while (l->owner_cpu)
		world_wait_for_other();
	l->owner_cpu = 1 + world_cpu;
}

void spin_unlock(spinlock_t *l) { BUG_ON(l->owner_cpu != 1 + world_cpu); l->owner_cpu = 0; }

bool spin_is_held_here(const spinlock_t *l) { return l->owner_cpu == 1 + world_cpu; }

/* ---- Foreign frames ---- */

static bool is_foreign(mfn_t m) { return page_of(m)->owner != current->domain->domid; }

void *map_domain_page(mfn_t m)
{
	BUG_ON(!is_foreign(m));
	world_mapped++;
	return (void *)(VA_FRAMES + (mfn_x(m) << PAGE_SHIFT));
}

void unmap_domain_page(const void *p)
{
	if ((u64)p >= VA_FRAMES)
		world_mapped--;
}

/* ---- The machine ---- */

/* What the machine's map says: RAM as far as frames have records; a hole; what firmware keeps. */
static const struct memmap_entry memmap[] = {
	{ 0, NR_FRAMES * PAGE_SIZE, 1 },
	{ MIB(16), MIB(1), 2 },
	{ MIB(4079), MIB(1), 2 },
	{ MIB(4095), MIB(1), 2 },
};
unsigned memmap_nr(void) { return ARRAY_SIZE(memmap); }
const struct memmap_entry *memmap_entry(unsigned i) { return &memmap[i]; }

