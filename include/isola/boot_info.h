/* SPDX-License-Identifier: MIT */
/*
 * Boot info: all that a boot loader told us, copied and checked, whatever its protocol.
 *
 * Filled once by boot/ on the boot CPU, read-only afterwards. Strings are copies; modules and the
 * ACPI tables stay where they lie, named by machine address. After boot_modules_check() every
 * module lies inside RAM and overlaps neither another module nor the hypervisor's image.
 */
#pragma once
#include <isola/boot_video.h>
#include <isola/types.h>

#define BOOT_MAX_RANGES		256
#define BOOT_MAX_MODULES	32
#define BOOT_CMDLINE_BYTES	4096	/* the NUL included */
#define BOOT_MODULE_STRING_BYTES 4096	/* the NUL included */

/*
 * What a range of machine memory is, the less useful the greater: where two claims overlap the
 * greater wins.
 */
enum boot_mem_type {
	BOOT_MEM_RAM = 1,
	BOOT_MEM_ACPI_RECLAIM = 3,
	BOOT_MEM_ACPI_NVS = 4,
	BOOT_MEM_RESERVED = 5,		/* E820's 2, and every type we do not know */
	BOOT_MEM_UNUSABLE = 6,		/* E820's 5: defective RAM */
};

struct boot_range {
	u64 start, end;			/* machine address, end exclusive, start < end */
	enum boot_mem_type type;
};

/* Sorted by start, no overlaps, no two neighbours that touch and have the same type. */
struct boot_memmap {
	unsigned int nr;
	struct boot_range range[BOOT_MAX_RANGES];
};

struct boot_module {
	u64 start, end;			/* machine address, end exclusive; may be an empty file */
	char string[BOOT_MODULE_STRING_BYTES];	/* as the loader gave it: file name's arguments */
	bool is_kept;			/* its frames have an owner: they do not become free */
	bool is_microcode;		/* no domain's file */
};

enum boot_efi {
	BOOT_NO_EFI,
	BOOT_EFI32,
	BOOT_EFI64,
};

/*
 * What EFI's memory map calls other than free memory, or what runtime services need: a copy of its
 * descriptor.
 */
#define BOOT_MAX_EFI_RANGES	128
#define EFI_RANGE_RUNTIME	(1ul << 63)	/* of attr */

struct boot_efi_range {
	u64 start, nr_pages;		/* machine address; not checked */
	u64 attr;
	u32 type;
};

struct boot_info {
	char loader[64];		/* name, cut to fit */
	char cmdline[BOOT_CMDLINE_BYTES];	/* the hypervisor's own */
	struct boot_memmap memmap;
	unsigned int nr_modules;
	struct boot_module module[BOOT_MAX_MODULES];
	struct boot_video video;
	bool has_rsdp;
	u8 rsdp[36];			/* the ACPI root pointer itself; zero past its end */
	enum boot_efi efi;		/* which EFI firmware's tag was there, if any */
	u64 efi_system_table;		/* machine address */
	unsigned int nr_efi_ranges;
	bool efi_ranges_cut;		/* there was no room for all */
	struct boot_efi_range efi_range[BOOT_MAX_EFI_RANGES];
	bool has_load_base;
	u32 load_base;			/* where a relocating loader put the image */
	char fault[160];		/* where a refusal with numbers in it is put together */
};

/* Put *@why together in @info, with numbers in it. Evaluates to -EINVAL. */
#define boot_fail(info, ...) \
	(snprintf((info)->fault, sizeof((info)->fault), __VA_ARGS__), *why = (info)->fault, \
	 -EINVAL)

#define MULTIBOOT2_BOOTLOADER_MAGIC	0x36d76289

/*
 * Read multiboot2 information.
 *
 * @magic    what the loader left in EAX.
 * @mbi      the information, mapped; @max bytes from it may be read, whatever its own size field
 *           claims.
 * @out      overwritten; meaningful only on 0.
 * @why      on error, one English fragment naming the thing at fault.
 * Returns   0, or -EINVAL.   Context: boot only. Source: Multiboot2 Specification version 2.0,
 *           section 3.
 */
int __must_check multiboot2_parse(u32 magic, const void *mbi, size_t max, struct boot_info *out,
				  const char **why);

/*
 * Add [@start, @start + @size) of @type to @map, which keeps its order throughout. RAM is cut
 * inwards to whole pages, everything else grows outwards. Where ranges overlap the greater type
 * wins, whatever the order of calls. An empty map is all zero.
 *
 * Returns   0, or -EINVAL (wraps around the top of the address space) or -ENOSPC (over
 *           BOOT_MAX_RANGES pieces: the map is then incomplete and must not be used).
 */
int __must_check boot_memmap_add(struct boot_memmap *map, u64 start, u64 size,
				 enum boot_mem_type type);

/* Is every byte of [@start, @end) RAM? An empty range is. */
bool boot_memmap_is_ram(const struct boot_memmap *map, u64 start, u64 end);

/* Sum of the bytes of one type; the end of the highest RAM. */
u64 boot_memmap_bytes(const struct boot_memmap *map, enum boot_mem_type type);
u64 boot_memmap_ram_end(const struct boot_memmap *map);
const char *boot_mem_type_name(enum boot_mem_type type);

/*
 * Check the modules against the memory map and the hypervisor's own image at [@image_start,
 * @image_end).
 *
 * Returns   0, or -EINVAL with @why: none there, one outside RAM, two that overlap, one over the
 *           image, or an empty first one (the kernel).
 */
int __must_check boot_modules_check(struct boot_info *info, u64 image_start, u64 image_end,
				    const char **why);

/*
 * Is [@start, @end) free of modules? Otherwise *@module is one that is in the way. For the first
 * allocator.
 */
bool boot_modules_clear_of(const struct boot_info *info, u64 start, u64 end, unsigned int *module);
