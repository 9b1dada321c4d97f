/* SPDX-License-Identifier: MIT */
/*
 * A file in an uncompressed archive at the front of an initial RAM disk. Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst (newc).
 */
#include <asm/ucode_file.h>
#include <isola/lib/string.h>

#define MAGIC_BYTES	6u
#define FIELDS		13u
#define FIELD_SIZE	6u		/* which of them is the file's size */
#define FIELD_NAME	11u		/* and its name's, the NUL included */
#define FIELD_BYTES	8u
#define HEADER_BYTES	(MAGIC_BYTES + FIELDS * FIELD_BYTES)
#define MOST_FILES	256u
#define MOST_NAME	256u

static int digit(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Field @nr of the header at @p; false: these are not eight hexadecimal digits. */
static bool read_field(const u8 *p, unsigned nr, u32 *val)
{
	p += MAGIC_BYTES + nr * FIELD_BYTES;
	*val = 0;
	for (unsigned i = 0; i < FIELD_BYTES; i++) {
		int d = digit(p[i]);

		if (d < 0)
			return false;
		*val = *val << 4 | (u32)d;
	}
	return true;
}

static u64 padded(u64 n)
{
	return (n + 3) & ~3ul;
}

bool ucode_find_file(const u8 *archive, u64 bytes, const char *name, const u8 **file, u32 *size)
{
	u64 at = 0, wanted = strnlen(name, MOST_NAME) + 1;

	for (unsigned i = 0; i < MOST_FILES && bytes - at >= HEADER_BYTES; i++) {
		const u8 *p = archive + at;
		u32 name_bytes, file_bytes;
		u64 data, next;

		if (memcmp(p, "070701", MAGIC_BYTES) || !read_field(p, FIELD_NAME, &name_bytes) ||
		    !read_field(p, FIELD_SIZE, &file_bytes))
			return false;
		/* Both counted from the archive's beginning, which is aligned. */
		data = padded(at + HEADER_BYTES + name_bytes);
		next = padded(data + file_bytes);
		if (!name_bytes || name_bytes > bytes - at - HEADER_BYTES || data > bytes ||
		    file_bytes > bytes - data)
			return false;
		if (name_bytes == wanted && !memcmp(p + HEADER_BYTES, name, wanted)) {
			*file = archive + data;
			*size = file_bytes;
			return true;
		}
		if (next > bytes)
			return false;
		at = next;
	}
	return false;
}
