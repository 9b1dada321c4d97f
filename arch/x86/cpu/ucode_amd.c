/* SPDX-License-Identifier: MIT */
/*
 * AMD's microcode: containers, one after the other; each is a table that gives processors numbers,
 * then patches for numbers. A patch has no checksum that software could know: the processor looks
 * whether it is AMD's.
 */
#include <asm/ucode_file.h>
#include <isola/errno.h>
#include <isola/lib/string.h>

#define MAGIC		0x00414d44u	/* "DMA" */
#define SECTION_TABLE	0u
#define SECTION_PATCH	1u
#define MOST_ENTRIES	1024u

struct section {
	u32 type, bytes;
};

struct equivalence {
	u32 signature;			/* CPUID leaf 1, EAX; 0: the end */
	u32 errata_mask, errata_compare;
	u16 number, reserved;
};

struct patch {
	u32 data_code, revision;
	u16 data_id;
	u8 len, init;
	u32 checksum;			/* of what is encrypted */
	u32 north_bridge, south_bridge;	/* PCI ids of one chipset, of old */
	u16 number;
	u8 north_revision, south_revision, bios_api_revision, reserved[3];
	u32 match[8];
};

static_assert(sizeof(struct equivalence) == 16 && sizeof(struct patch) == 64, "as shipped");

/* A position in the file. */
struct cursor {
	const u8 *p;
	u32 left;
};

static bool take(struct cursor *c, void *to, u32 bytes)
{
	if (c->left < bytes)
		return false;
	memcpy(to, c->p, bytes);
	c->p += bytes;
	c->left -= bytes;
	return true;
}

/* How large a family's patches may be at most. */
static u32 most_bytes(u32 family)
{
	switch (family) {
	case 0x14: return 1824;
	case 0x15: return 4096;
	case 0x16: return 3458;
	case 0x17: return 3200;
	case 0x19: return 5568;
	case 0x1a: return 15296;
	default: return 2048;
	}
}

/* The number that the table of @bytes at @c gives @cpu; 0: none. False: it is no table. */
static bool read_table(struct cursor *c, u32 bytes, const struct ucode_cpu *cpu, u16 *number)
{
	struct equivalence e;

	*number = 0;
	if (bytes > c->left || bytes % sizeof(e) || !bytes || bytes / sizeof(e) > MOST_ENTRIES)
		return false;
	for (; bytes; bytes -= sizeof(e)) {
		if (!take(c, &e, sizeof(e)))
			return false;
		if (e.signature && e.signature == cpu->signature && !*number)
			*number = e.number;
	}
	return !e.signature;
}

/* 1: for number @number, newer than @newest; 0: not; -EINVAL: not a patch of any family. */
static int look_at(const u8 *at, u32 bytes, u16 number, u32 newest, const struct ucode_cpu *cpu,
		   struct patch *p)
{
	if (bytes < sizeof(*p))
		return -EINVAL;
	memcpy(p, at, sizeof(*p));
	if (!number || p->number != number || p->revision <= newest)
		return 0;
	if (bytes > most_bytes(cpu->family))
		return -EINVAL;
	return !p->north_bridge && !p->south_bridge;
}

/* The patches of one container, up to the next one or the end. */
static int read_patches(struct cursor *c, u16 number, const struct ucode_cpu *cpu,
			struct ucode_update *out, const char **why)
{
	struct section s;
	struct patch p;
	u32 next;

	while (c->left) {
		int is_ours;

		if (c->left >= sizeof(next)) {
			memcpy(&next, c->p, sizeof(next));
			if (next == MAGIC)
				return 0;
		}
		*why = "a section of the file is none, or does not end in it";
		if (!take(c, &s, sizeof(s)) || s.type != SECTION_PATCH || s.bytes > c->left)
			return -EINVAL;
		*why = "a patch in the file has an impossible size";
		is_ours = look_at(c->p, s.bytes, number, out->revision, cpu, &p);
		if (is_ours < 0)
			return is_ours;
		if (is_ours)
			*out = (struct ucode_update){ c->p, s.bytes, p.revision };
		c->p += s.bytes;
		c->left -= s.bytes;
	}
	return 0;
}

int ucode_find_amd(const u8 *file, u32 bytes, const struct ucode_cpu *cpu,
		   struct ucode_update *out, const char **why)
{
	struct cursor c = { file, bytes };
	struct ucode_update best = { .revision = cpu->revision };

	while (c.left) {
		struct section s;
		u16 number;
		u32 magic;
		int rc;

		*why = "the file is not one container of AMD's after the other";
		if (!take(&c, &magic, sizeof(magic)) || magic != MAGIC ||
		    !take(&c, &s, sizeof(s)) || s.type != SECTION_TABLE ||
		    !read_table(&c, s.bytes, cpu, &number))
			return -EINVAL;
		rc = read_patches(&c, number, cpu, &best, why);
		if (rc)
			return rc;
	}
	if (!best.data)
		return -ENOENT;
	*out = best;
	return 0;
}
