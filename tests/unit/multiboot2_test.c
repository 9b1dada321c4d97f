/* SPDX-License-Identifier: MIT */
/*
 * Multiboot2: a sound block with one of every tag, a table of lies about it, and the same block cut
 * and damaged.
 *
 * Sources: boot/multiboot2.c boot/memmap.c
 */
#include "fuzz.h"

#include <errno.h>
#include <isola/boot_info.h>

/* ---- A block under construction. ------------------------------------------------------------- */

static struct block {
	u8 bytes[65536] __aligned(8);
	u32 len, tag;			/* tag: offset of the one being written */
} b;

static void put(const void *p, size_t n)
{
	memcpy(b.bytes + b.len, p, n);
	b.len += (u32)n;
}

static void put32(u32 v)
{
	put(&v, 4);
}

static void put64(u64 v)
{
	put(&v, 8);
}

static void begin(void)
{
	memset(&b, 0, sizeof(b));
	b.len = 8;
}

static void open_tag(u32 type)
{
	b.tag = b.len;
	put32(type);
	put32(0);
}

static void close_tag(void)
{
	u32 size = b.len - b.tag;

	memcpy(b.bytes + b.tag + 4, &size, 4);
	b.len = ROUNDUP(b.len, 8);
}

static void end(void)
{
	open_tag(0);
	close_tag();
	memcpy(b.bytes, &b.len, 4);
}

static void put_string_tag(u32 type, const char *s)
{
	open_tag(type);
	put(s, strlen(s) + 1);
	close_tag();
}

static void put_module(u32 start, u32 stop, const char *s)
{
	open_tag(3);
	put32(start);
	put32(stop);
	put(s, strlen(s) + 1);
	close_tag();
}

static void put_range(u64 base, u64 len, u32 type, u32 entry_bytes)
{
	put64(base);
	put64(len);
	put32(type);
	put32(0);
	b.len += entry_bytes - 24;
}

static void put_map(u32 entry_bytes)
{
	open_tag(6);
	put32(entry_bytes);
	put32(0);
	put_range(0, 0x9fc00, 1, entry_bytes);
	put_range(0x9fc00, 0x60400, 2, entry_bytes);
	put_range(0x100000, 0x1fee0000, 1, entry_bytes);
	put_range(0x1ffe0000, 0x10000, 3, entry_bytes);
	put_range(0x1fff0000, 0x10000, 4, entry_bytes);
	put_range(0xfee00000, 0x1000, 77, entry_bytes);
	put_range(0x20000000, 0x1000, 5, entry_bytes);
	close_tag();
}

static void put_framebuffer(u8 type)
{
	open_tag(8);
	put64(0xfd000000);
	put32(4096);
	put32(1024);
	put32(768);
	put((u8[]){ 32, type, 0, 0 }, 4);
	if (type == 1)
		put((u8[]){ 16, 8, 8, 8, 0, 8 }, 6);
	close_tag();
}

static void put_rsdp(u32 type, u32 len, u8 revision)
{
	u8 rsdp[36] = "RSD PTR ";

	rsdp[15] = revision;
	open_tag(type);
	put(rsdp, len);
	close_tag();
}

/* Descriptors of @bytes each, of the types 5, 6 (run time), 7, 4, 11 (run time), 0 in turn. */
static void put_efi_map(u32 bytes, unsigned int nr)
{
	static const u32 types[] = { 5, 6, 7, 4, 11, 0 };

	open_tag(17);
	put32(bytes);
	put32(1);
	for (unsigned int i = 0; i < nr; i++) {
		u32 type = types[i % 6], at = b.len;

		put64(type);
		put64(0x1000000ul + i * 0x100000ul);
		put64(0);
		put64(i + 1);
		put64(type == 5 || type == 6 || type == 11 ? EFI_RANGE_RUNTIME | 8 : 15);
		while (b.len < at + bytes)
			put32(0);
	}
	close_tag();
}

/* What GRUB gives, and a little more. */
static void build_good(void)
{
	begin();
	put_string_tag(1, "com1=115200 dom0_mem=512M");
	put_string_tag(2, "GRUB 2.06");
	put_module(0x1000000, 0x1200000, "console=hvc0 earlyprintk=xen");
	put_module(0x1200000, 0x1200001, "");
	put_string_tag(4, "basic mem: ignored");
	put_map(24);
	put_framebuffer(1);
	put_rsdp(14, 20, 0);
	put_rsdp(15, 36, 2);
	open_tag(12);
	put64(0x123456789a);
	close_tag();
	put_efi_map(48, 6);
	open_tag(21);
	put32(0x200000);
	close_tag();
	put_string_tag(9999, "a tag of the future");
	end();
}

static struct boot_info info;
static const char *why;

static int parse(void)
{
	why = NULL;
	return multiboot2_parse(MULTIBOOT2_BOOTLOADER_MAGIC, b.bytes, b.len, &info, &why);
}

static void test_efi_map(void)
{
	begin();
	put_map(24);
	put_efi_map(40, 3 * BOOT_MAX_EFI_RANGES / 2);
	end();
	ok(!parse() && info.nr_efi_ranges == BOOT_MAX_EFI_RANGES && !info.efi_ranges_cut,
	   "as many of EFI's ranges as there is room for");
	begin();
	put_map(24);
	put_efi_map(40, 3 * BOOT_MAX_EFI_RANGES / 2 + 1);
	end();
	ok(!parse() && info.nr_efi_ranges == BOOT_MAX_EFI_RANGES && info.efi_ranges_cut,
	   "one more: that is said");
	for (u32 bytes = 0; bytes <= 48; bytes += 4) {
		begin();
		put_map(24);
		put_efi_map(48, 6);
		end();
		for (u32 at = 8; at < b.len; at += 8)
			if (!memcmp(b.bytes + at, (u32[]){ 17 }, 4) &&
			    !memcmp(b.bytes + at + 8, (u32[]){ 48 }, 4))
				memcpy(b.bytes + at + 8, &bytes, 4);
		check(!parse() && (bytes == 48) == !info.efi_ranges_cut, "descriptors of %u bytes",
		      bytes);
	}
	all_ok("descriptors of a size that they cannot have: said too");
}

static void test_good(void)
{
	build_good();
	ok(!parse(), "a sound block is taken (%s)", why ? why : "no complaint");
	ok(!strcmp(info.cmdline, "com1=115200 dom0_mem=512M"), "the command line");
	ok(!strcmp(info.loader, "GRUB 2.06"), "the loader's name");
	ok(info.nr_modules == 2 && info.module[0].start == 0x1000000 &&
		   info.module[0].end == 0x1200000 &&
		   !strcmp(info.module[0].string, "console=hvc0 earlyprintk=xen") &&
		   info.module[1].end == 0x1200001 && !info.module[1].string[0],
	   "the modules");
	ok(info.memmap.nr == 7 && boot_memmap_is_ram(&info.memmap, 0x100000, 0x1ffe0000) &&
	   !boot_memmap_is_ram(&info.memmap, 0x9f000, 0xa0000), "the memory map");
	ok(boot_memmap_bytes(&info.memmap, BOOT_MEM_RESERVED) == 0x62000 &&
	   boot_memmap_bytes(&info.memmap, BOOT_MEM_UNUSABLE) == 0x1000 &&
	   boot_memmap_bytes(&info.memmap, BOOT_MEM_ACPI_RECLAIM) == 0x10000 &&
	   boot_memmap_bytes(&info.memmap, BOOT_MEM_ACPI_NVS) == 0x10000, "every type of memory");
	ok(info.has_rsdp && info.rsdp[15] == 2, "the newer root pointer wins");
	ok(info.efi == BOOT_EFI64 && info.efi_system_table == 0x123456789a, "EFI");
	ok(info.nr_efi_ranges == 4 && !info.efi_ranges_cut && info.efi_range[0].type == 5 &&
		   info.efi_range[1].start == 0x1100000 && info.efi_range[1].nr_pages == 2 &&
		   info.efi_range[2].type == 11 && info.efi_range[3].type == 0 &&
		   info.efi_range[2].attr == (EFI_RANGE_RUNTIME | 8) &&
		   info.efi_range[3].attr == 15,
	   "EFI's memory map, less what is free");
	ok(info.has_load_base && info.load_base == 0x200000, "the load base");
	ok(info.video.type == BOOT_VIDEO_RGB && info.video.maddr == 0xfd000000 &&
		   info.video.width == 1024 && info.video.height == 768 &&
		   info.video.pitch_bytes == 4096 && info.video.bpp == 32 &&
		   info.video.red_pos == 16 && info.video.green_size == 8 &&
		   info.video.blue_pos == 0,
	   "the frame buffer");

	begin();
	put_map(40);
	put_framebuffer(2);
	put_rsdp(15, 36, 2);
	put_rsdp(14, 20, 0);
	open_tag(11);
	put32(0x5000);
	close_tag();
	end();
	ok(!parse() && info.memmap.nr == 7, "map entries may be longer than we know");
	ok(info.video.type == BOOT_VIDEO_TEXT, "a text screen");
	ok(info.rsdp[15] == 2, "the newer root pointer wins, also when it comes first");
	ok(info.efi == BOOT_EFI32 && info.efi_system_table == 0x5000, "32-bit EFI");
	ok(!info.nr_modules && !info.cmdline[0] && !info.loader[0], "what is not there is empty");

	begin();
	put_map(24);
	put_framebuffer(0);
	put_string_tag(
		2, "a loader whose name is so long that it has to be cut somewhere before its end");
	end();
	ok(!parse() && info.video.type == BOOT_VIDEO_NONE, "a palette screen is none");
	ok(strlen(info.loader) == sizeof(info.loader) - 1, "a long loader's name is cut");
}

/* ---- Lies. Each starts from the good block, or builds its own. ------------------------------- */

static void set32(u32 offset, u32 v)
{
	memcpy(b.bytes + offset, &v, 4);
}

/* Offset of the first tag of @type. */
static u32 tag_at(u32 type)
{
	u32 pos = 8, t, size;

	for (;;) {
		memcpy(&t, b.bytes + pos, 4);
		memcpy(&size, b.bytes + pos + 4, 4);
		if (t == type)
			return pos;
		pos += ROUNDUP(size, 8);
	}
}

static void total_size_small(void) { set32(0, 7); }
static void total_size_huge(void) { set32(0, b.len + 1); }
static void total_size_cuts_end(void) { set32(0, b.len - 8); }
static void total_size_cuts_tag(void) { set32(0, b.len - 24); }
static void tag_size_zero(void) { set32(tag_at(1) + 4, 0); }
static void tag_size_seven(void) { set32(tag_at(2) + 4, 7); }
static void tag_size_past_end(void) { set32(tag_at(3) + 4, b.len); }
static void tag_size_wraps(void) { set32(tag_at(3) + 4, 0xfffffff9); }
static void no_end_tag(void) { set32(tag_at(0), 5); }
static void cmdline_unended(void) { set32(tag_at(1) + 4, 8 + 4); }
static void cmdline_no_body(void) { set32(tag_at(1) + 4, 8); }
static void name_unended(void) { set32(tag_at(2) + 4, 8 + 4); }
static void module_no_body(void) { set32(tag_at(3) + 4, 12); }
static void module_no_string(void) { set32(tag_at(3) + 4, 16); }
static void module_string_unended(void) { set32(tag_at(3) + 4, 16 + 4); }
static void module_backwards(void) { set32(tag_at(3) + 8, 0x1200001); }
static void map_no_header(void) { set32(tag_at(6) + 4, 12); }
static void map_entry_zero(void) { set32(tag_at(6) + 8, 0); }
static void map_entry_short(void) { set32(tag_at(6) + 8, 16); }
static void map_entry_odd(void) { set32(tag_at(6) + 8, 28); }
static void map_entry_huge(void) { set32(tag_at(6) + 8, 0xfffffff8); }
static void map_cut(void) { set32(tag_at(6) + 4, 16 + 24 + 20); }
static void map_wraps(void) { memset(b.bytes + tag_at(6) + 24, 0xff, 8); }
static void map_gone(void) { set32(tag_at(6), 7777); }
static void fb_cut(void) { set32(tag_at(8) + 4, 16); }
static void fb_colours_cut(void) { set32(tag_at(8) + 4, 34); }
static void rsdp1_cut(void) { set32(tag_at(14) + 4, 8 + 19); }
static void rsdp2_cut(void) { set32(tag_at(15) + 4, 8 + 35); }
static void efi64_cut(void) { set32(tag_at(12) + 4, 12); }
static void load_base_cut(void) { set32(tag_at(21) + 4, 8); }
static void boot_services(void) { set32(tag_at(9999), 18); }
static void efi32_cut(void) { set32(tag_at(9999), 11); set32(tag_at(11) + 4, 10); }

static void map_empty(void)
{
	begin();
	open_tag(6);
	put32(24);
	put32(0);
	close_tag();
	end();
}

static void no_ram(void)
{
	begin();
	open_tag(6);
	put32(24);
	put32(0);
	put_range(0, 0x100000, 2, 24);
	close_tag();
	end();
}

static void too_many_ranges(void)
{
	begin();
	open_tag(6);
	put32(24);
	put32(0);
	for (u64 i = 0; i <= BOOT_MAX_RANGES; i++)
		put_range(i << 16, 0x1000, 1, 24);
	close_tag();
	end();
}

static void too_many_modules(void)
{
	begin();
	for (u32 i = 0; i <= BOOT_MAX_MODULES; i++)
		put_module(0x1000000 + (i << 12), 0x1000000 + (i << 12), "x");
	put_map(24);
	end();
}

static char long_text[5000];

static void long_cmdline(void)
{
	begin();
	put_string_tag(1, long_text);
	put_map(24);
	end();
}

static void long_module_string(void)
{
	begin();
	put_module(0x1000000, 0x1000000, long_text);
	put_map(24);
	end();
}

static const struct {
	const char *claim;
	void (*lie)(void);
	const char *why;
} lies[] = {
	{ "total size under a header", total_size_small,
	  "information block has an impossible size (7 bytes)" },
	{ "total size past what is there", total_size_huge,
	  "information block has an impossible size" },
	{ "total size leaves out the end tag", total_size_cuts_end, "without an end tag" },
	{ "total size cuts a tag", total_size_cuts_tag, "impossible size" },
	{ "tag of size 0", tag_size_zero,
	  "tag of type 1 at offset 8 has an impossible size (0 bytes)" },
	{ "tag of size 7", tag_size_seven, "tag of type 2" },
	{ "tag past the end", tag_size_past_end, "tag of type 3" },
	{ "tag size that wraps", tag_size_wraps, "tag of type 3" },
	{ "no end tag", no_end_tag, "without an end tag" },
	{ "command line without an end", cmdline_unended, "command line has no end" },
	{ "command line without a body", cmdline_no_body, "command line has no end" },
	{ "command line too long", long_cmdline, "command line is longer than 4095 bytes" },
	{ "loader's name without an end", name_unended, "loader's name has no end" },
	{ "module tag without addresses", module_no_body, "tag of module 0 is cut short" },
	{ "module tag without a string", module_no_string, "tag of module 0 is cut short" },
	{ "module string without an end", module_string_unended, "tag of module 0 is cut short" },
	{ "module string too long", long_module_string, "command line of module 0 is longer" },
	{ "module that ends before it starts", module_backwards,
	  "module 0 ends (0x1200000) before it starts" },
	{ "33 modules", too_many_modules, "more than 32 modules" },
	{ "map without a header", map_no_header, "memory map's tag is cut short" },
	{ "map entries of 0 bytes", map_entry_zero, "memory map entries of 0 bytes" },
	{ "map entries of 16 bytes", map_entry_short, "memory map entries of 16 bytes" },
	{ "map entries of 28 bytes", map_entry_odd, "memory map entries of 28 bytes" },
	{ "map entries of 4 GiB", map_entry_huge, "memory map entry 0 is cut short" },
	{ "map cut inside an entry", map_cut, "memory map entry 1 is cut short" },
	{ "map entry that wraps", map_wraps,
	  "memory map entry 0 (0x0, 0xffffffffffffffff bytes) wraps" },
	{ "no map", map_gone, "no memory map" },
	{ "map without entries", map_empty, "no memory map" },
	{ "map without RAM", no_ram, "has no RAM" },
	{ "map of 257 ranges", too_many_ranges, "more than 256 ranges" },
	{ "frame buffer cut", fb_cut, "frame buffer's tag is cut short" },
	{ "frame buffer's colours cut", fb_colours_cut, "frame buffer's colours" },
	{ "old root pointer cut", rsdp1_cut, "root pointer's tag is cut short" },
	{ "new root pointer cut", rsdp2_cut, "root pointer's tag is cut short" },
	{ "EFI64 table cut", efi64_cut, "EFI system table's tag is cut short" },
	{ "EFI32 table cut", efi32_cut, "EFI system table's tag is cut short" },
	{ "load base cut", load_base_cut, "load base address's tag is cut short" },
	{ "EFI boot services left on", boot_services, "EFI boot services" },
};

static void test_lies(void)
{
	int rc;

	memset(long_text, 'x', sizeof(long_text) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		build_good();
		lies[i].lie();
		rc = parse();
		ok(rc == -EINVAL && why && strstr(why, lies[i].why) && fuzz_is_sentence(why),
		   "%s: %s", lies[i].claim, why ? why : "(not refused)");
	}
	build_good();
	rc = multiboot2_parse(0x2badb002, b.bytes, b.len, &info, &why);
	ok(rc == -EINVAL && strstr(why, "magic 0x2badb002"), "wrong magic: %s", why);
	rc = multiboot2_parse(MULTIBOOT2_BOOTLOADER_MAGIC, NULL, 4096, &info, &why);
	ok(rc == -EINVAL && strstr(why, "no information block"), "no block: %s", why);
	rc = multiboot2_parse(MULTIBOOT2_BOOTLOADER_MAGIC, b.bytes, 7, &info, &why);
	ok(rc == -EINVAL && strstr(why, "no information block"), "seven bytes: %s", why);
}

/* ---- Whatever the bytes: an answer that keeps boot_info.h's promises, or a sentence. --------- */

static void fuzz(const void *input, size_t len)
{
	why = NULL;
	if (multiboot2_parse(MULTIBOOT2_BOOTLOADER_MAGIC, input, len, &info, &why)) {
		check(fuzz_is_sentence(why), "refused with \"%s\"", why ? why : "(nothing)");
		return;
	}
	check(info.memmap.nr >= 1 && info.memmap.nr <= BOOT_MAX_RANGES, "%u ranges",
	      info.memmap.nr);
	for (unsigned int i = 0; i < info.memmap.nr; i++) {
		const struct boot_range *r = &info.memmap.range[i];

		check(r->start < r->end && !(r->start % 4096) && !(r->end % 4096), "range %u", i);
		check(!i || r[-1].end <= r->start, "order at range %u", i);
	}
	check(info.nr_modules <= BOOT_MAX_MODULES, "%u modules", info.nr_modules);
	for (unsigned int i = 0; i < info.nr_modules; i++)
		check(info.module[i].start <= info.module[i].end &&
		      memchr(info.module[i].string, 0, BOOT_MODULE_STRING_BYTES), "module %u", i);
	check(memchr(info.cmdline, 0, sizeof(info.cmdline)) &&
		      memchr(info.loader, 0, sizeof(info.loader)),
	      "a string without an end");
}

int main(void)
{
	static u8 good[sizeof(b.bytes)];
	u32 len;

	test_good();
	test_efi_map();
	test_lies();

	build_good();
	len = b.len;
	memcpy(good, b.bytes, len);
	fuzz_truncations(good, len, fuzz);
	all_ok("the good block, cut at every byte");
	for (u32 n = 8; n < len; n++) {
		memcpy(b.bytes, good, len);
		set32(0, n);
		fuzz_one(b.bytes, n, fuzz);
		check(why != NULL, "cut at %u and saying so is taken", n);
	}
	all_ok("the same, with a total size that admits it: refused each time");
	fuzz_damages(good, len, 100000, NULL, fuzz);
	all_ok("100000 damaged blocks");
	return done();
}
