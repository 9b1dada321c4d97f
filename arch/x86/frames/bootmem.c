/* SPDX-License-Identifier: MIT */
/*
 * Memory while booting: what RAM is free, and the allocator of before the allocator.
 *
 * free_range[] holds RAM that is neither image, module, first MiB nor beyond the window's reach.
 * bootmem_alloc() cuts from the top of the highest range that lies below 4 GiB (head.S's root maps
 * no more).
 */
#include <isola/lib/string.h>
#include <isola/memmap.h>
#include <isola/printk.h>
#include <asm/bootmem.h>
#include <asm/frametable.h>
#include <asm/layout.h>

#define BOOT_LIMIT	GIB(4)
#define PUBLIC_FRAMES	512u			/* of one block */

struct range { u64 start, end; };

u64 max_page;

extern const char _image_end[];

static struct range free_range[BOOT_MAX_RANGES + BOOT_MAX_MODULES + 8];
static unsigned nr_free_ranges;
static mfn_t public_block[64];
static unsigned nr_public_blocks;
static unsigned public_used;			/* pages given out, from all blocks together */
static bool finished;

/* Cut [@start, @end) out of the free ranges. */
static void reserve(u64 start, u64 end)
{
	start = ROUNDDOWN(start, PAGE_SIZE);
	end = ROUNDUP(end, PAGE_SIZE);
	for (unsigned i = 0; i < nr_free_ranges; i++) {
		struct range *r = &free_range[i];

		if (end <= r->start || start >= r->end)
			continue;
		if (start > r->start && end < r->end) {
			BUG_ON(nr_free_ranges == ARRAY_SIZE(free_range));
			free_range[nr_free_ranges++] = (struct range){ end, r->end };
			r->end = start;
		} else if (start > r->start) {
			r->end = start;
		} else {
			r->start = min(end, r->end);
		}
	}
}

void bootmem_init(void)
{
	const struct boot_memmap *map = &boot_info.memmap;
	const char *why;

	for (unsigned i = 0; i < map->nr; i++) {
		const struct boot_range *r = &map->range[i];

		if (r->type == BOOT_MEM_RAM)
			free_range[nr_free_ranges++] = (struct range){ r->start, r->end };
	}
	max_page = min(boot_memmap_ram_end(map) >> PAGE_SHIFT, MAX_MFN);
	if (boot_modules_check(&boot_info, image_maddr, image_va_to_maddr(_image_end), &why))
		fatal("%s", why);
	reserve(0, MEMMAP_LOW_END);
	reserve(image_maddr, image_va_to_maddr(_image_end));
	reserve(mfn_to_maddr(_mfn(MAX_MFN)), ~0ul - PAGE_SIZE);
	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		reserve(boot_info.module[i].start, boot_info.module[i].end);
}

/* Where a block of @bytes below @limit would be cut from @r: its start, or 0. */
static u64 place_in(const struct range *r, u64 bytes, u64 align, u64 limit)
{
	u64 end = min(r->end, limit), at;

	if (end <= r->start || end - r->start < bytes)
		return 0;
	at = ROUNDDOWN(end - bytes, align);
	return at >= r->start ? at : 0;
}

static u64 take(u64 bytes, u64 align, u64 limit)
{
	u64 best = 0;

	BUG_ON(finished);
	for (unsigned i = 0; i < nr_free_ranges; i++)
		best = max(best, place_in(&free_range[i], bytes, align, limit));
	if (!best)
		fatal("not enough memory%s: no free range of RAM holds the %lu KiB needed to boot",
		      limit == BOOT_LIMIT ? " below 4 GiB" : "", bytes >> 10);
	reserve(best, best + bytes);
	return best;
}

mfn_t bootmem_alloc(u64 bytes, u64 align)
{
	u64 at = take(bytes, align, BOOT_LIMIT);

	memset(public_ptr(maddr_to_mfn(at)), 0, bytes);
	return maddr_to_mfn(at);
}

mfn_t bootmem_alloc_anywhere(u64 bytes, u64 align)
{
	return maddr_to_mfn(take(bytes, align, ~0ul));
}

mfn_t bootmem_public_block(unsigned i)
{
	ASSERT(i < nr_public_blocks);
	return public_block[i];
}

unsigned bootmem_nr_public_blocks(void)
{
	return nr_public_blocks;
}

void *bootmem_public_page(void)
{
	if (public_used == nr_public_blocks * PUBLIC_FRAMES) {
		BUG_ON(nr_public_blocks == ARRAY_SIZE(public_block));
		public_block[nr_public_blocks++] = bootmem_alloc(MIB(2), MIB(2));
	}
	return public_ptr(
		mfn_add(public_block[nr_public_blocks - 1], public_used++ % PUBLIC_FRAMES));
}

bool bootmem_done(void)
{
	return finished;
}

void bootmem_close(void)
{
	finished = true;
}

bool bootmem_left(unsigned i, mfn_t *first, u64 *nr)
{
	const struct range *r = &free_range[i];

	if (i == nr_free_ranges)
		return false;
	*first = maddr_to_mfn(r->start);
	*nr = r->end > r->start ? (r->end - r->start) >> PAGE_SHIFT : 0;
	return true;
}

u64 bootmem_public_left(mfn_t *first)
{
	unsigned used = public_used % PUBLIC_FRAMES;

	if (!used)
		return 0;
	*first = mfn_add(public_block[nr_public_blocks - 1], used);
	return PUBLIC_FRAMES - used;
}

u64 bootmem_public_pages(void)
{
	return nr_public_blocks * PUBLIC_FRAMES;
}
