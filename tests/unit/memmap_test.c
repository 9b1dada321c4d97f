/* SPDX-License-Identifier: MIT */
/*
 * The memory map, compared page by page with a model that knows one rule (the greater type wins),
 * and the check of the modules against it.
 *
 * Sources: boot/memmap.c boot/modules.c
 */
#include "tap.h"

#include <errno.h>
#include <isola/boot_info.h>
#include <string.h>

#define PAGES	64
#define PAGE	4096UL

static const enum boot_mem_type types[] = {
	BOOT_MEM_RAM,      BOOT_MEM_ACPI_RECLAIM, BOOT_MEM_ACPI_NVS,
	BOOT_MEM_RESERVED, BOOT_MEM_UNUSABLE,
};

static int model[PAGES];		/* 0: nothing there */

static void model_add(u64 start, u64 size, enum boot_mem_type type)
{
	u64 end = start + size;

	for (u64 p = 0; p < PAGES; p++) {
		bool all = start <= p * PAGE && end >= (p + 1) * PAGE;
		bool any = start < (p + 1) * PAGE && end > p * PAGE && size;

		if (type == BOOT_MEM_RAM ? all : any)
			model[p] = max(model[p], (int)type);
	}
}

/* What struct boot_memmap promises. */
static void check_order(const struct boot_memmap *map)
{
	for (unsigned int i = 0; i < map->nr; i++) {
		const struct boot_range *r = &map->range[i];

		check(r->start < r->end && IS_ALIGNED(r->start, PAGE) && IS_ALIGNED(r->end, PAGE),
		      "range %u", i);
		if (i)
			check(r[-1].end < r->start ||
				      (r[-1].end == r->start && r[-1].type != r->type),
			      "ranges %u and %u are out of order or should be one", i - 1, i);
	}
}

static void check_model(const struct boot_memmap *map)
{
	u64 bytes[8] = { 0 }, ram_end = 0;

	for (u64 p = 0; p < PAGES; p++) {
		int found = 0;

		for (unsigned int i = 0; i < map->nr; i++)
			if (map->range[i].start <= p * PAGE && map->range[i].end > p * PAGE)
				found = (int)map->range[i].type;
		check(found == model[p], "page %lu is %d, not %d", p, found, model[p]);
		bytes[model[p]] += PAGE;
		if (model[p] == BOOT_MEM_RAM)
			ram_end = (p + 1) * PAGE;
		check(boot_memmap_is_ram(map, p * PAGE, p * PAGE + PAGE) ==
			      (model[p] == BOOT_MEM_RAM),
		      "is_ram(page %lu)", p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check(boot_memmap_bytes(map, types[i]) == bytes[types[i]], "bytes of %s",
		      boot_mem_type_name(types[i]));
	check(boot_memmap_ram_end(map) == ram_end, "end of RAM");
}

static void test_random_maps(void)
{
	for (int round = 0; round < 3000; round++) {
		static struct boot_memmap map;

		memset(&map, 0, sizeof(map));
		memset(model, 0, sizeof(model));
		for (uint64_t n = tap_random() % 14; n; n--) {
			u64 start = tap_random() % (PAGES * PAGE),
			    size = tap_random() % (PAGES * PAGE - start);
			enum boot_mem_type type = types[tap_random() % ARRAY_SIZE(types)];

			if (tap_random() % 2) {
				start = ROUNDDOWN(start, PAGE);
				size = ROUNDDOWN(size, PAGE);
			}
			check(!boot_memmap_add(&map, start, size, type), "add");
			model_add(start, size, type);
			check_order(&map);
		}
		check_model(&map);
	}
	all_ok("3000 random maps, page by page");
}

static void test_edges(void)
{
	static struct boot_memmap map;

	ok(boot_memmap_add(&map, UINT64_MAX - 10, 100, BOOT_MEM_RAM) == -EINVAL,
	   "a range that wraps is refused");
	ok(boot_memmap_add(&map, 0, UINT64_MAX, BOOT_MEM_RESERVED) == -EINVAL,
	   "and one up to the very top");
	ok(map.nr == 0, "neither has left a trace");
	ok(!boot_memmap_add(&map, 0xfffffffffffe0000, 0x1f000, BOOT_MEM_RESERVED) && map.nr == 1,
	   "the last but one page can be told");
	ok(!boot_memmap_add(&map, PAGE, 0, BOOT_MEM_RAM) && map.nr == 1,
	   "an empty range is dropped");
	ok(!boot_memmap_add(&map, PAGE + 1, 2 * PAGE - 2, BOOT_MEM_RAM) && map.nr == 1,
	   "RAM that holds no whole page is dropped");
	ok(!boot_memmap_ram_end(&map), "no RAM: its end is zero");

	memset(&map, 0, sizeof(map));
	for (u64 i = 0; i < BOOT_MAX_RANGES; i++)
		check(!boot_memmap_add(&map, i * 2 * PAGE, PAGE, BOOT_MEM_RAM), "range %lu", i);
	all_ok("256 ranges fit");
	ok(boot_memmap_add(&map, BOOT_MAX_RANGES * 2 * PAGE, PAGE, BOOT_MEM_RAM) == -ENOSPC,
	   "the 257th does not");
	ok(boot_memmap_add(&map, 0, BOOT_MAX_RANGES * 2 * PAGE, BOOT_MEM_RESERVED) != 0 ||
		   map.nr == 1,
	   "one range over all of them needs no room, or is refused");

	memset(&map, 0, sizeof(map));
	check(!boot_memmap_add(&map, 0, BOOT_MAX_RANGES * 2 * PAGE, BOOT_MEM_RAM), "big");
	for (u64 i = 0; i < BOOT_MAX_RANGES / 2 - 1; i++)
		check(!boot_memmap_add(&map, (2 * i + 1) * PAGE, PAGE, BOOT_MEM_RESERVED),
		      "hole %lu", i);
	check(boot_memmap_add(&map, 600 * PAGE, 1, BOOT_MEM_RESERVED) == 0, "the last one");
	check(map.nr == BOOT_MAX_RANGES, "%u ranges", map.nr);
	check(boot_memmap_add(&map, 501 * PAGE, PAGE, BOOT_MEM_RESERVED) == -ENOSPC,
	      "a hole too many at either side");
	all_ok("holes are punched until there is no room, and no further");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		check(strcmp(boot_mem_type_name(types[i]), "unknown"), "type %u has a name",
		      types[i]);
	check(!strcmp(boot_mem_type_name((enum boot_mem_type)99), "unknown"), "other types do not");
	all_ok("names of types");
}

/* ---- Modules. RAM is 1 MiB to 9 MiB, the hypervisor's image 2 MiB to 3 MiB. ------------------ */

static const struct {
	const char *claim;
	unsigned int nr;
	struct { u64 start, end; } m[3];
	const char *why;		/* NULL: all is well */
} module_cases[] = {
	{ "one module", 1, { { 0x400000, 0x400001 } }, NULL },
	{ "touching modules",
	  3,
	  { { 0x400000, 0x401000 }, { 0x401000, 0x402000 }, { 0x3ff000, 0x400000 } },
	  NULL },
	{ "an empty second module", 2, { { 0x400000, 0x401000 }, { 0x400800, 0x400800 } }, NULL },
	{ "right up to the image", 2, { { 0x100000, 0x200000 }, { 0x300000, 0x900000 } }, NULL },
	{ "none", 0, { { 0, 0 } }, "no modules" },
	{ "an empty kernel", 1, { { 0x400000, 0x400000 } }, "is empty" },
	{ "below RAM",
	  1,
	  { { 0xff000, 0x101000 } },
	  "module 0 (0xff000-0x101000) does not lie in RAM" },
	{ "past the end of RAM", 1, { { 0x8ff000, 0x900001 } }, "does not lie in RAM" },
	{ "nowhere near RAM", 1, { { 0xfee00000, 0xfee01000 } }, "does not lie in RAM" },
	{ "an empty module outside RAM",
	  2,
	  { { 0x400000, 0x401000 }, { 0xf0000000, 0xf0000000 } },
	  NULL },
	{ "over the image's first byte", 1, { { 0x1ff000, 0x200001 } }, "overlaps the hypervisor" },
	{ "over the image's last byte", 1, { { 0x2fffff, 0x301000 } }, "overlaps the hypervisor" },
	{ "inside the image", 1, { { 0x280000, 0x281000 } }, "overlaps the hypervisor" },
	{ "around the image", 1, { { 0x180000, 0x380000 } }, "overlaps the hypervisor" },
	{ "two that overlap",
	  2,
	  { { 0x400000, 0x402000 }, { 0x401fff, 0x403000 } },
	  "modules 0 and 1 overlap" },
	{ "one inside another",
	  3,
	  { { 0x300000, 0x301000 }, { 0x400000, 0x402000 }, { 0x401000, 0x401800 } },
	  "modules 1 and 2 overlap" },
};

static void test_modules(void)
{
	static struct boot_info info;
	unsigned int hit = 99;

	for (size_t i = 0; i < ARRAY_SIZE(module_cases); i++) {
		const char *why = NULL;
		int rc;

		memset(&info, 0, sizeof(info));
		check(!boot_memmap_add(&info.memmap, 0x100000, 0x800000, BOOT_MEM_RAM), "RAM");
		info.nr_modules = module_cases[i].nr;
		for (unsigned int m = 0; m < info.nr_modules; m++) {
			info.module[m].start = module_cases[i].m[m].start;
			info.module[m].end = module_cases[i].m[m].end;
		}
		rc = boot_modules_check(&info, 0x200000, 0x300000, &why);
		if (module_cases[i].why)
			ok(rc == -EINVAL && why && strstr(why, module_cases[i].why), "%s: %s",
			   module_cases[i].claim, why ? why : "(not refused)");
		else
			ok(!rc, "%s: fine%s", module_cases[i].claim, why ? why : "");
	}
	ok(boot_modules_clear_of(&info, 0x200000, 0x300000, &hit), "clear_of: free memory is free");
	ok(!boot_modules_clear_of(&info, 0x401000, 0x401001, &hit) && hit == 1,
	   "clear_of: names who is in the way");
}

int main(void)
{
	test_random_maps();
	test_edges();
	test_modules();
	return done();
}
