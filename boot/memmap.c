/* SPDX-License-Identifier: MIT */
/*
 * The memory map: which machine addresses are RAM, as one sorted list without overlaps.
 *
 * Firmware hands out maps that are unsorted, overlapping and cut at odd bytes. boot_memmap_add()
 * brings each range into the order that struct boot_memmap promises as it comes, so there is never
 * a map that is not in order, and no second buffer.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/lib/string.h>

#define PAGE_BYTES 4096UL

static int insert(struct boot_memmap *map, unsigned int at, u64 start, u64 end,
		  enum boot_mem_type type)
{
	if (map->nr == BOOT_MAX_RANGES)
		return -ENOSPC;
	memmove(&map->range[at + 1], &map->range[at], (map->nr - at) * sizeof(map->range[0]));
	map->range[at] = (struct boot_range){ .start = start, .end = end, .type = type };
	map->nr++;
	return 0;
}

/*
 * Give [@start, @end) inside range @i to the greater @type, leaving what is on either side as it
 * was. Returns the index of the range that ends at @end, or -ENOSPC.
 */
static int carve(struct boot_memmap *map, unsigned int i, u64 start, u64 end,
		 enum boot_mem_type type)
{
	struct boot_range old = map->range[i];

	if (old.end > end && insert(map, i + 1, end, old.end, old.type))
		return -ENOSPC;
	if (old.start < start) {
		if (insert(map, i + 1, start, end, type))
			return -ENOSPC;
		map->range[i++].end = start;
	} else {
		map->range[i] = (struct boot_range){ .start = start, .end = end, .type = type };
	}
	return (int)i;
}

/* Join neighbours that touch and are of one type. */
static void compact(struct boot_memmap *map)
{
	unsigned int last = 0;

	for (unsigned int i = 1; i < map->nr; i++) {
		struct boot_range *l = &map->range[last], *r = &map->range[i];

		if (l->end == r->start && l->type == r->type)
			l->end = r->end;
		else
			map->range[++last] = *r;
	}
	if (map->nr)
		map->nr = last + 1;
}

int boot_memmap_add(struct boot_memmap *map, u64 start, u64 size, enum boot_mem_type type)
{
	unsigned int i = 0;
	u64 end;

	if (__builtin_add_overflow(start, size, &end) || end > ~PAGE_BYTES + 1)
		return -EINVAL;
	if (!size)
		return 0;
	if (type == BOOT_MEM_RAM) {
		start = ROUNDUP(start, PAGE_BYTES);
		end = ROUNDDOWN(end, PAGE_BYTES);
	} else {
		start = ROUNDDOWN(start, PAGE_BYTES);
		end = ROUNDUP(end, PAGE_BYTES);
	}

	/*
	 * Invariant: [original start, start) is settled, and ranges below index i end at or before
	 * start.
	 */
	for (; start < end; i++) {
		struct boot_range *r = &map->range[i];
		u64 upto;
		int at;

		if (i < map->nr && r->end <= start)
			continue;
		if (i == map->nr || start < r->start) {
			upto = i == map->nr ? end : min(end, r->start);
			if (insert(map, i, start, upto, type))
				return -ENOSPC;
			start = upto;
			continue;
		}
		upto = min(end, r->end);
		if (r->type < type) {
			at = carve(map, i, start, upto, type);
			if (at < 0)
				return at;
			i = (unsigned int)at;
		}
		start = upto;
	}
	compact(map);
	return 0;
}

bool boot_memmap_is_ram(const struct boot_memmap *map, u64 start, u64 end)
{
	if (start >= end)
		return start == end;
	for (unsigned int i = 0; i < map->nr; i++)
		if (start >= map->range[i].start && end <= map->range[i].end)
			return map->range[i].type == BOOT_MEM_RAM;
	return false;
}

u64 boot_memmap_bytes(const struct boot_memmap *map, enum boot_mem_type type)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < map->nr; i++)
		if (map->range[i].type == type)
			sum += map->range[i].end - map->range[i].start;
	return sum;
}

u64 boot_memmap_ram_end(const struct boot_memmap *map)
{
	for (unsigned int i = map->nr; i > 0; i--)
		if (map->range[i - 1].type == BOOT_MEM_RAM)
			return map->range[i - 1].end;
	return 0;
}

const char *boot_mem_type_name(enum boot_mem_type type)
{
	switch (type) {
	case BOOT_MEM_RAM: return "RAM";
	case BOOT_MEM_ACPI_RECLAIM: return "ACPI data";
	case BOOT_MEM_ACPI_NVS: return "ACPI NVS";
	case BOOT_MEM_RESERVED: return "reserved";
	case BOOT_MEM_UNUSABLE: return "unusable";
	}
	return "unknown";
}
