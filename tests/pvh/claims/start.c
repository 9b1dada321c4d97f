/* SPDX-License-Identifier: MIT */
/*
 * The first instruction: registers and start_info (<xen/arch-x86/hvm/start_info.h>; docs of the
 * PVH boot interface).
 */
#define TOPIC "start"
#include "claim.h"
#include "machine.h"

CLAIM(registers, "EBX is the address of start_info, whose magic is right; EFLAGS has no bit set")
{
	CHECK_EQ(boot_state.ebx, (uint64_t)start_info);
	CHECK_EQ(start_info->magic, XEN_HVM_START_MAGIC_VALUE);
	CHECK_EQ(boot_state.eflags & ~0x40ul, 2);
}

CLAIM(mode, "protection is on, paging, CR4 and EFER are off")
{
	CHECK_EQ(boot_state.cr0 & ~0x10ul, 1);
	CHECK_EQ(boot_state.cr4, 0);
	CHECK_EQ(boot_state.efer, 0);
}

/* Does entry @i overlap one before it? */
static bool overlaps(const struct hvm_memmap_table_entry *e, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (e[k].addr < e[i].addr + e[i].size && e[i].addr < e[k].addr + e[k].size)
			return true;
	return false;
}

/* The order is the builder's: libxenguest's is not that of addresses. */
CLAIM(memmap, "the memory map has RAM that holds us and start_info, and nothing twice")
{
	const struct hvm_memmap_table_entry *e = (void *)start_info->memmap_paddr;
	bool found_us = false, found_kernel = false;
	uint64_t us = boot_state.ebx;

	if (!start_info->version)
		skip("version 0 of start_info has no memory map");
	CHECK(start_info->memmap_entries > 1);
	for (uint32_t i = 0; i < start_info->memmap_entries; i++) {
		uint64_t end = e[i].addr + e[i].size;

		CHECK_SAY(end > e[i].addr && !overlaps(e, i), "entry %u, %lx-%lx", i, e[i].addr,
			  end);
		if (e[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		found_us |= us >= e[i].addr && us < end;
		found_kernel |= 0x200000 >= e[i].addr && 0x200000 < end;
	}
	CHECK(found_us && found_kernel);
}

static struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) asked[128];

/* How many entries XENMEM_memory_map gives. */
static uint32_t ask_map(void)
{
	struct xen_memory_map map = { .nr_entries = 128 };

	set_xen_guest_handle(map.buffer, (void *)asked);
	CHECK_OK(HC2(memory_op, XENMEM_memory_map, &map));
	return map.nr_entries;
}

CLAIM(same_map, "XENMEM_memory_map gives the same RAM as start_info")
{
	const struct hvm_memmap_table_entry *e = (void *)start_info->memmap_paddr;
	uint64_t told = 0, got = 0;
	uint32_t nr = ask_map();

	if (!start_info->version)
		skip("version 0 of start_info has no memory map");
	for (uint32_t i = 0; i < start_info->memmap_entries; i++)
		told += e[i].type == XEN_HVM_MEMMAP_TYPE_RAM ? e[i].size : 0;
	for (uint32_t i = 0; i < nr; i++)
		got += asked[i].type == 1 ? asked[i].size : 0;
	CHECK_EQ(got, told);
}

CLAIM(ram, "each 2 MiB of RAM above the first 16 can be written, and keeps what is written")
{
	const uint64_t step = 2ul << 20;
	uint32_t nr = ask_map();

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < nr; i++)
			for (uint64_t at = 16ul << 20; at < 1ul << 32; at += step) {
				volatile uint64_t *p = (void *)(at + 0x1000);

				if (asked[i].type != 1 || at < asked[i].addr ||
				    at + step > asked[i].addr + asked[i].size)
					continue;
				if (!pass)
					*p = at * 3;
				CHECK_SAY(*p == at * 3, "at %lx", at);
			}
}
