/* SPDX-License-Identifier: MIT */
/*
 * What the loader said, kept; and the machine's memory map as dom0 is shown it.
 */
#include <isola/memmap.h>
#include <isola/printk.h>

struct boot_info boot_info;
u64 image_maddr;

static struct memmap_entry guest_map[BOOT_MAX_RANGES];

static u32 e820_type(enum boot_mem_type type)
{
	switch (type) {
	case BOOT_MEM_RAM:		return 1;
	case BOOT_MEM_ACPI_RECLAIM:	return 3;
	case BOOT_MEM_ACPI_NVS:		return 4;
	case BOOT_MEM_UNUSABLE:		return 5;
	default:			return 2;
	}
}

void memmap_init(void)
{
	for (unsigned i = 0; i < boot_info.memmap.nr; i++) {
		const struct boot_range *r = &boot_info.memmap.range[i];

		guest_map[i] = (struct memmap_entry){ r->start, r->end - r->start,
						       e820_type(r->type) };
		pr_info("memory %016lx-%016lx %s", r->start, r->end - 1,
			boot_mem_type_name(r->type));
	}
}

unsigned memmap_nr(void)
{
	return boot_info.memmap.nr;
}

const struct memmap_entry *memmap_entry(unsigned i)
{
	return &guest_map[i];
}

bool memmap_frame_is_ram(mfn_t m)
{
	u64 start = mfn_to_maddr(m);

	return mfn_x(m) < MAX_MFN &&
	       boot_memmap_is_ram(&boot_info.memmap, start, start + PAGE_SIZE);
}
