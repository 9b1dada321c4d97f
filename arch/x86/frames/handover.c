/* SPDX-License-Identifier: MIT */
/*
 * From boot memory to the page allocator: the hour at which one closes and the other opens, and
 * allocations that may come before or after it.
 */
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <asm/bootmem.h>

void page_alloc_open(void)
{
	mfn_t first;
	u64 nr;

	bootmem_close();
	for (unsigned i = 0; bootmem_left(i, &first, &nr); i++)
		page_alloc_add_ram(first, nr);
	page_alloc_count_boot_public(bootmem_public_pages());
	nr = bootmem_public_left(&first);
	if (nr)
		page_alloc_add_public(first, nr);
}

/* The frames of module @i that become free RAM: how many, from *@first on. */
static u64 module_frames(unsigned i, mfn_t *first)
{
	u64 from = max(boot_info.module[i].start, MEMMAP_LOW_END) >> PAGE_SHIFT;
	u64 end = DIV_ROUND_UP(boot_info.module[i].end, PAGE_SIZE);

	*first = _mfn(from);
	return end > from && !boot_info.module[i].is_kept ? end - from : 0;
}

u64 page_alloc_nr_module_pages(void)
{
	mfn_t ignored;
	u64 nr = 0;

	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		nr += module_frames(i, &ignored);
	return nr;
}

void page_alloc_take_module(unsigned i)
{
	mfn_t first;
	u64 nr = module_frames(i, &first);

	if (nr)
		page_alloc_add_ram(first, nr);
}

void page_alloc_take_modules(void)
{
	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		page_alloc_take_module(i);
	boot_info.nr_modules = 0;
}

mfn_t alloc_cpu_page(void)
{
	return bootmem_done() ? page_alloc(ALLOC_CPU, 0, 0) : bootmem_alloc(PAGE_SIZE, PAGE_SIZE);
}

void *alloc_public_page_early(void)
{
	return bootmem_done() ? alloc_public_page() : bootmem_public_page();
}
