/* SPDX-License-Identifier: MIT */
/*
 * Intel's microcode: a file is one update after the other. SDM vol. 3, 9.11.
 */
#include <asm/ucode_file.h>
#include <isola/errno.h>
#include <isola/lib/string.h>

struct header {
	u32 header_version;
	s32 revision;			/* below 0: not for sale */
	u32 date, signature, checksum, loader_version, platforms;
	u32 data_bytes, total_bytes;	/* both 0: 2000 and 2048 */
	u32 reserved[3];
};

/* Behind the data, if there is room for it: more processors. */
struct extended {
	u32 count, checksum, reserved[3];
};

struct extended_signature {
	u32 signature, platforms, checksum;
};

static_assert(sizeof(struct header) == 48 && sizeof(struct extended) == 20, "SDM 9.11.1");

#define OLD_DATA	2000u
#define MOST_SIGNATURES	64u
#define MOST_BYTES	(16u << 20)

static u32 sum_of(const u8 *p, u32 bytes)
{
	u32 sum = 0, word;

	for (u32 i = 0; i < bytes; i += 4) {
		memcpy(&word, p + i, 4);
		sum += word;
	}
	return sum;
}

/* The header at @p, of @left bytes: its sizes are there, and fit. */
static bool read_header(const u8 *p, u32 left, struct header *h)
{
	if (left < sizeof(*h))
		return false;
	memcpy(h, p, sizeof(*h));
	if (!h->data_bytes) {
		h->data_bytes = OLD_DATA;
		h->total_bytes = OLD_DATA + sizeof(*h);
	}
	return h->header_version == 1 && h->loader_version == 1 && h->data_bytes < MOST_BYTES &&
	       h->data_bytes % 4 == 0 && h->total_bytes % 1024 == 0 && h->total_bytes <= left &&
	       h->total_bytes >= h->data_bytes + sizeof(*h);
}

static bool is_for(const struct ucode_cpu *cpu, u32 signature, u32 platforms)
{
	return signature == cpu->signature && (platforms & cpu->platform ||
					       (!platforms && !cpu->platform));
}

/*
 * The table of further signatures, which all have their own checksum: an update's, with its three
 * words in the place of the first's. 1: one is this processor's; 0: none; -EINVAL.
 */
static int look_in_table(const u8 *p, u32 bytes, const struct header *h,
			 const struct ucode_cpu *cpu)
{
	struct extended_signature s;
	struct extended table;
	int found = 0;

	if (bytes < sizeof(table))
		return 0;		/* padding */
	memcpy(&table, p, sizeof(table));
	if (!table.count && !table.checksum)
		return 0;
	if (!table.count || table.count > MOST_SIGNATURES ||
	    bytes < sizeof(table) + table.count * sizeof(s) ||
	    sum_of(p, sizeof(table) + table.count * sizeof(s)))
		return -EINVAL;
	for (u32 i = 0; i < table.count; i++) {
		memcpy(&s, p + sizeof(table) + i * sizeof(s), sizeof(s));
		if (s.signature + s.platforms + s.checksum !=
		    h->signature + h->platforms + h->checksum)
			return -EINVAL;
		if (is_for(cpu, s.signature, s.platforms))
			found = 1;
	}
	return found;
}

/* As look_in_table(), for the whole update. */
static int look_at(const u8 *p, const struct header *h, const struct ucode_cpu *cpu,
		   const char **why)
{
	u32 used = h->data_bytes + sizeof(*h);
	int in_table = look_in_table(p + used, h->total_bytes - used, h, cpu);

	*why = "a table of signatures in the file is damaged";
	if (in_table < 0)
		return in_table;
	*why = "an update in the file has a wrong checksum";
	if (sum_of(p, used))
		return -EINVAL;
	return in_table || is_for(cpu, h->signature, h->platforms);
}

int ucode_find_intel(const u8 *file, u32 bytes, const struct ucode_cpu *cpu,
		     struct ucode_update *out, const char **why)
{
	s32 newest = (s32)cpu->revision;
	int rc = -ENOENT;
	struct header h;

	for (u32 at = 0; at < bytes; at += h.total_bytes) {
		int is_ours;

		*why = "the file is not one update of Intel's after the other";
		if (!read_header(file + at, bytes - at, &h))
			return -EINVAL;
		is_ours = look_at(file + at, &h, cpu, why);
		if (is_ours < 0)
			return is_ours;
		if (!is_ours || h.revision <= newest)
			continue;
		newest = h.revision;
		*out = (struct ucode_update){ file + at + sizeof(h), h.data_bytes,
					      (u32)h.revision };
		rc = 0;
	}
	return rc;
}
