/* SPDX-License-Identifier: MIT */
/*
 * Multiboot2: the loader's information block, as a list of tags.
 *
 * Invariants (BOOT-1): a tag is handed on only as {base, length} with that length inside the block;
 * fields are copied out through read(), which checks; each step forward is at least one tag header
 * long.
 * Source: Multiboot2 Specification version 2.0, 3.4-3.6.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>

enum tag_type {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER_NAME = 2,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI32 = 11,
	TAG_EFI64 = 12,
	TAG_RSDP_V1 = 14,
	TAG_RSDP_V2 = 15,
	TAG_EFI_MEMORY_MAP = 17,
	TAG_EFI_NOT_EXITED = 18,
	TAG_LOAD_BASE = 21,
};

struct info_header {
	u32 total_size, reserved;
};

struct tag_header {
	u32 type, size;			/* size: header included, padding to 8 not */
};

struct module_tag {
	u32 start, end;			/* then the string */
};

struct memory_map_tag {
	u32 entry_size, entry_version;	/* then the entries */
};

struct memory_map_entry {
	u64 base, length;
	u32 type, reserved;
};

struct framebuffer_tag {
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;			/* 0 palette, 1 RGB, 2 EGA text */
	u16 reserved;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;	/* RGB only */
};

struct efi_map_tag {
	u32 descriptor_size, descriptor_version;	/* then the descriptors */
};

struct efi_descriptor {
	u32 type, padding;
	u64 start, virtual_start, nr_pages, attr;
};

/* What follows a tag's header, and where the answers go. */
struct tag {
	const u8 *body;
	u32 len;
	struct boot_info *out;
	const char **why;
};

/* For handlers: a fault that the tag's own name explains. */
static int tag_fault(const struct tag *t, const char *what)
{
	*t->why = what;
	return -EINVAL;
}

static bool __must_check read(const struct tag *t, u32 offset, void *to, u32 len)
{
	if (offset > t->len || len > t->len - offset)
		return false;
	memcpy(to, t->body + offset, len);
	return true;
}

/* The string at @offset, if it ends inside the tag; else NULL. */
static const char *string_at(const struct tag *t, u32 offset)
{
	const char *s = (const char *)t->body + offset;

	if (offset >= t->len || strnlen(s, t->len - offset) == t->len - offset)
		return NULL;
	return s;
}

static int read_cmdline(const struct tag *t)
{
	const char *s = string_at(t, 0);

	if (!s)
		return tag_fault(t, "multiboot2: the command line has no end inside its tag");
	if (strlcpy(t->out->cmdline, s, sizeof(t->out->cmdline)) >= sizeof(t->out->cmdline))
		return tag_fault(t, "multiboot2: the hypervisor's command line is longer than"
				    " 4095 bytes");
	return 0;
}

static int read_loader_name(const struct tag *t)
{
	const char *s = string_at(t, 0);

	if (!s)
		return tag_fault(t, "multiboot2: the loader's name has no end inside its tag");
	strlcpy(t->out->loader, s, sizeof(t->out->loader));
	return 0;
}

static int read_module(const struct tag *t)
{
	struct boot_info *out = t->out;
	const char **why = t->why, *s = string_at(t, sizeof(struct module_tag));
	unsigned int i = out->nr_modules;
	struct module_tag m;

	if (i == BOOT_MAX_MODULES)
		return boot_fail(out, "multiboot2: more than %u modules", BOOT_MAX_MODULES);
	if (!s || !read(t, 0, &m, sizeof(m)))
		return boot_fail(out, "multiboot2: the tag of module %u is cut short", i);
	if (m.start > m.end)
		return boot_fail(out, "multiboot2: module %u ends (0x%x) before it starts (0x%x)",
				 i, m.end, m.start);
	out->module[i].start = m.start;
	out->module[i].end = m.end;
	if (strlcpy(out->module[i].string, s, BOOT_MODULE_STRING_BYTES) >= BOOT_MODULE_STRING_BYTES)
		return boot_fail(
			out, "multiboot2: the command line of module %u is longer than 4095 bytes",
			i);
	out->nr_modules++;
	return 0;
}

static enum boot_mem_type memory_type(u32 type)
{
	switch (type) {
	case 1: return BOOT_MEM_RAM;
	case 3: return BOOT_MEM_ACPI_RECLAIM;
	case 4: return BOOT_MEM_ACPI_NVS;
	case 5: return BOOT_MEM_UNUSABLE;
	default: return BOOT_MEM_RESERVED;
	}
}

static int read_memory_map(const struct tag *t)
{
	struct boot_info *out = t->out;
	const char **why = t->why;
	struct memory_map_tag map;
	unsigned int i = 0;

	if (!read(t, 0, &map, sizeof(map)))
		return boot_fail(out, "multiboot2: the memory map's tag is cut short");
	if (map.entry_size < sizeof(struct memory_map_entry) || map.entry_size % 8)
		return boot_fail(out, "multiboot2: memory map entries of %u bytes", map.entry_size);

	for (u32 pos = sizeof(map); pos < t->len; i++) {
		struct memory_map_entry e;

		if (map.entry_size > t->len - pos || !read(t, pos, &e, sizeof(e)))
			return boot_fail(out, "multiboot2: memory map entry %u is cut short", i);
		switch (boot_memmap_add(&out->memmap, e.base, e.length, memory_type(e.type))) {
		case 0:
			break;
		case -ENOSPC:
			return boot_fail(out, "multiboot2: the memory map has more than %u ranges",
				    BOOT_MAX_RANGES);
		default:
			return boot_fail(
				out,
				"multiboot2: memory map entry %u (0x%lx, 0x%lx bytes) wraps around",
				i, e.base, e.length);
		}
		pos += map.entry_size;
	}
	return 0;
}

/* No frame buffer is no fault: one that we cannot describe is treated as none. */
static int read_framebuffer(const struct tag *t)
{
	struct boot_video *v = &t->out->video;
	struct framebuffer_tag fb = { 0 };
	const u32 common_len = offsetof(struct framebuffer_tag, red_pos);

	if (!read(t, 0, &fb, common_len))
		return tag_fault(t, "multiboot2: the frame buffer's tag is cut short");
	if (fb.type == 1) {
		if (!read(t, common_len, &fb.red_pos, 6))
			return tag_fault(t, "multiboot2: the frame buffer's colours are cut short");
		v->type = BOOT_VIDEO_RGB;
	} else if (fb.type == 2) {
		v->type = BOOT_VIDEO_TEXT;
	} else {
		return 0;
	}
	v->maddr = fb.addr;
	v->pitch_bytes = fb.pitch;
	v->width = fb.width;
	v->height = fb.height;
	v->bpp = fb.bpp;
	v->red_pos = fb.red_pos;
	v->red_size = fb.red_size;
	v->green_pos = fb.green_pos;
	v->green_size = fb.green_size;
	v->blue_pos = fb.blue_pos;
	v->blue_size = fb.blue_size;
	return 0;
}

static int read_efi32(const struct tag *t)
{
	u32 table;

	if (!read(t, 0, &table, sizeof(table)))
		return tag_fault(t, "multiboot2: the EFI system table's tag is cut short");
	t->out->efi = BOOT_EFI32;
	t->out->efi_system_table = table;
	return 0;
}

static int read_efi64(const struct tag *t)
{
	if (!read(t, 0, &t->out->efi_system_table, sizeof(u64)))
		return tag_fault(t, "multiboot2: the EFI system table's tag is cut short");
	t->out->efi = BOOT_EFI64;
	return 0;
}

/* Loader, boot services, and free memory: RAM from now on. UEFI Specification 2.9, 7.2. */
static bool is_efi_ram(const struct efi_descriptor *d)
{
	return !(d->attr & EFI_RANGE_RUNTIME) &&
	       ((d->type >= 1 && d->type <= 4) || d->type == 7);
}

static void add_efi_range(struct boot_info *out, const struct efi_descriptor *d)
{
	if (out->nr_efi_ranges == BOOT_MAX_EFI_RANGES) {
		out->efi_ranges_cut = true;
		return;
	}
	out->efi_range[out->nr_efi_ranges++] = (struct boot_efi_range){
		.start = d->start, .nr_pages = d->nr_pages, .attr = d->attr, .type = d->type,
	};
}

/* A damaged map costs the runtime services, not the boot: what cannot be read counts as cut. */
static int read_efi_memory_map(const struct tag *t)
{
	struct efi_map_tag map = { 0 };
	struct efi_descriptor d;
	u32 pos = sizeof(map);

	if (!read(t, 0, &map, sizeof(map)) || map.descriptor_size < sizeof(d) ||
	    map.descriptor_size % 8) {
		t->out->efi_ranges_cut = true;
		return 0;
	}
	for (; pos < t->len && map.descriptor_size <= t->len - pos; pos += map.descriptor_size) {
		if (read(t, pos, &d, sizeof(d)) && !is_efi_ram(&d))
			add_efi_range(t->out, &d);
	}
	if (pos != t->len)
		t->out->efi_ranges_cut = true;
	return 0;
}

static int refuse_boot_services(const struct tag *t)
{
	return tag_fault(t, "multiboot2: the loader left EFI boot services running");
}

/* The second version is the richer one, whichever comes first. */
static int read_rsdp(const struct tag *t, u32 len)
{
	struct boot_info *out = t->out;
	u8 rsdp[sizeof(out->rsdp)] = { 0 };

	if (!read(t, 0, rsdp, len))
		return tag_fault(t, "multiboot2: the ACPI root pointer's tag is cut short");
	if (out->has_rsdp && len < sizeof(rsdp))
		return 0;
	memcpy(out->rsdp, rsdp, sizeof(rsdp));
	out->has_rsdp = true;
	return 0;
}

static int read_rsdp_v1(const struct tag *t)
{
	return read_rsdp(t, 20);
}

static int read_rsdp_v2(const struct tag *t)
{
	return read_rsdp(t, 36);
}

static int read_load_base(const struct tag *t)
{
	if (!read(t, 0, &t->out->load_base, sizeof(t->out->load_base)))
		return tag_fault(t, "multiboot2: the load base address's tag is cut short");
	t->out->has_load_base = true;
	return 0;
}

/* Tags that are not listed tell us nothing that we use. */
static const struct {
	u32 type;
	int (*handle)(const struct tag *t);
} handlers[] = {
	{ TAG_CMDLINE, read_cmdline },
	{ TAG_LOADER_NAME, read_loader_name },
	{ TAG_MODULE, read_module },
	{ TAG_MEMORY_MAP, read_memory_map },
	{ TAG_FRAMEBUFFER, read_framebuffer },
	{ TAG_EFI32, read_efi32 },
	{ TAG_EFI64, read_efi64 },
	{ TAG_EFI_MEMORY_MAP, read_efi_memory_map },
	{ TAG_RSDP_V1, read_rsdp_v1 },
	{ TAG_RSDP_V2, read_rsdp_v2 },
	{ TAG_EFI_NOT_EXITED, refuse_boot_services },
	{ TAG_LOAD_BASE, read_load_base },
};

static int handle_tag(u32 type, const struct tag *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == type)
			return handlers[i].handle(t);
	return 0;
}

/* Walk the tags of a block of @size bytes, header included. */
static int walk(const u8 *base, u32 size, struct boot_info *out, const char **why)
{
	u32 pos = sizeof(struct info_header);

	for (;;) {
		struct tag_header h;
		struct tag t = { .out = out, .why = why };
		int rc;

		if (size - pos < sizeof(h))
			return boot_fail(out, "multiboot2: the tags end without an end tag");
		memcpy(&h, base + pos, sizeof(h));
		if (h.size < sizeof(h) || h.size > size - pos)
			return boot_fail(out,
					 "multiboot2: the tag of type %u at offset %u has an "
					 "impossible size (%u bytes)",
					 h.type, pos, h.size);
		if (h.type == TAG_END)
			return 0;

		t.body = base + pos + sizeof(h);
		t.len = h.size - (u32)sizeof(h);
		rc = handle_tag(h.type, &t);
		if (rc)
			return rc;
		/* Not past the end: h.size <= size - pos, and only padding can be missing. */
		pos += (u32)min(ROUNDUP((u64)h.size, 8), (u64)(size - pos));
	}
}

int multiboot2_parse(u32 magic, const void *mbi, size_t max, struct boot_info *out,
		     const char **why)
{
	struct info_header h;
	int rc;

	memset(out, 0, sizeof(*out));
	if (magic != MULTIBOOT2_BOOTLOADER_MAGIC)
		return boot_fail(out, "not started by a multiboot2 loader (magic 0x%x)", magic);
	if (!mbi || max < sizeof(h))
		return boot_fail(out, "multiboot2: no information block");
	memcpy(&h, mbi, sizeof(h));
	if (h.total_size < sizeof(h) || h.total_size > max)
		return boot_fail(
			out, "multiboot2: the information block has an impossible size (%u bytes)",
			h.total_size);

	rc = walk(mbi, h.total_size, out, why);
	if (rc)
		return rc;
	if (!out->memmap.nr)
		return boot_fail(out, "multiboot2: no memory map");
	if (!boot_memmap_ram_end(&out->memmap))
		return boot_fail(out, "multiboot2: the memory map has no RAM");
	return 0;
}
