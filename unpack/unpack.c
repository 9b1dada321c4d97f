/* SPDX-License-Identifier: MIT */
/*
 * Level by level: a file is a bzImage around a packed file, or a packed file, or neither, which is
 * the end.
 *
 * Invariants: a file is reached through its bounds, which shrink only; each level has a place of
 * its own in the room; there are at most MAX_LEVELS.
 * Source of the bzImage: Linux, Documentation/arch/x86/boot.rst. Its payload ends with the size of
 * what is in it, which gzip has by itself.
 */
#include "unpack.h"
#include <stdbool.h>
#include <string.h>

#define MAX_LEVELS	3		/* a packed bzImage has two */
#define GUESS		8u		/* how much more comes out where nobody says it */
#define LEAST_GUESS	(1ul << 20)
#define SMALL_STATE	(256ul << 10)	/* more than gzip, zstd and lz4 work in */

#define BZ_MAGIC_AT	0x202u
#define BZ_LEAST_BYTES	0x268u
#define BZ_LEAST_PROTOCOL 0x208u
#define SIZE_BYTES	4u
#define PAGE_BYTES	4096u

static const struct format {
	const char *magic;
	size_t magic_bytes;
	const char *name;
	enum outcome (*decode)(struct job *j);
	uint64_t (*scratch)(const uint8_t *in, uint64_t bytes);	/* NULL: SMALL_STATE */
	uint64_t (*expects)(const uint8_t *in, uint64_t bytes);	/* NULL: no file says it */
	bool has_size;			/* its own last word is the size */
} formats[] = {
	{ "\x1f\x8b", 2, "gzip", decode_gzip, NULL, expects_gzip, true },
	{ "\xfd" "7zXZ\0", 6, "xz", decode_xz, scratch_xz, NULL, false },
	{ "\x28\xb5\x2f\xfd", 4, "zstd", decode_zstd, NULL, expects_zstd, false },
	{ "\x02\x21\x4c\x18", 4, "lz4", decode_lz4, NULL, NULL, false },
	{ "\x5d\0\0", 3, "lzma", decode_lzma, scratch_lzma, expects_lzma, false },
};

/* A file, or the payload of one. */
struct file {
	const uint8_t *in;
	uint64_t bytes;
	bool is_payload;		/* its last word is the size */
};

/* ---- Sentences ------------------------------------------------------------------------------- */

static void say(struct unpacked *out, const char *text)
{
	size_t at = strlen(out->why);

	while (*text && at < sizeof(out->why) - 1)
		out->why[at++] = *text++;
	out->why[at] = '\0';
}

static void say_number(struct unpacked *out, uint64_t n)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = '0' + n % 10;
	while (n /= 10);
	say(out, p);
}

/* "its <name> data <what>". */
static enum unpack_end refuse(struct unpacked *out, const char *name, const char *what)
{
	say(out, "its ");
	say(out, name);
	say(out, what);
	return END_REFUSES;
}

static enum unpack_end refuse_size(struct unpacked *out, const char *name, const char *what,
				   uint64_t said, const char *end)
{
	refuse(out, name, what);
	say_number(out, said);
	say(out, end);
	return END_REFUSES;
}

/* ---- What a file is -------------------------------------------------------------------------- */

static const struct format *format_of(const struct file *f)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (f->bytes >= formats[i].magic_bytes &&
		    !memcmp(f->in, formats[i].magic, formats[i].magic_bytes))
			return &formats[i];
	return NULL;
}

static bool is_bzimage(const struct file *f)
{
	return f->bytes >= BZ_MAGIC_AT + 4 && !memcmp(f->in + BZ_MAGIC_AT, "HdrS", 4);
}

/* @f becomes its own payload. */
static enum unpack_end enter_bzimage(struct file *f, struct unpacked *out)
{
	uint64_t sectors = f->in[0x1f1] ? f->in[0x1f1] : 4, bytes, start;

	if (f->bytes < BZ_LEAST_BYTES) {
		say(out, "it is a truncated bzImage: it ends inside its header");
		return END_REFUSES;
	}
	bytes = le(f->in + 0x24c, 4);
	start = (sectors + 1) * 512 + le(f->in + 0x248, 4);
	if (le(f->in + 0x206, 2) < BZ_LEAST_PROTOCOL) {
		say(out, "it is a bzImage of a boot protocol before 2.08, which does not say where "
			 "the kernel is");
		return END_REFUSES;
	}
	if (bytes <= SIZE_BYTES || start > f->bytes || bytes > f->bytes - start) {
		say(out, "it is a truncated bzImage: its payload ends beyond the file");
		return END_REFUSES;
	}
	*f = (struct file){ f->in + start, bytes, true };
	if (format_of(f))
		return END_DONE;
	say(out, "its payload is packed in none of the ways that are known (gzip, xz, zstd, lz4, "
		 "lzma)");
	return END_REFUSES;
}

/* ---- One level ------------------------------------------------------------------------------- */

static uint64_t scratch_of(const struct format *t, const struct file *f)
{
	return t->scratch ? t->scratch(f->in, f->bytes) : SMALL_STATE;
}

/*
 * How much room what comes out of a file gets: what that says, which may be wrong, or a guess; and
 * all that there is, if that is more.
 */
static uint64_t output_bytes(const struct format *t, const struct file *f, uint64_t scratch,
			     const struct room *room)
{
	uint64_t want = t->expects ? t->expects(f->in, f->bytes) : 0, left = room_left(room);

	if (!want || want > MOST_BYTES) {
		want = f->bytes > MOST_BYTES / GUESS ? MOST_BYTES : f->bytes * GUESS;
		if (want < LEAST_GUESS)
			want = LEAST_GUESS;
	}
	left = left > scratch + PAGE_BYTES ? left - scratch - PAGE_BYTES : 0;
	if (want < left)
		want = left;
	return want < MOST_BYTES ? want : MOST_BYTES;
}

static enum unpack_end lacks(const struct room *room, struct unpacked *out)
{
	out->bytes = room->lacking;
	return END_LACKS;
}

/* It filled what it was given. */
static enum unpack_end full(const struct format *t, const struct file *f, uint64_t given,
			    struct room *room, struct unpacked *out)
{
	if (f->is_payload)
		return refuse_size(out, t->name, " data is damaged, or is more than the ", given,
				   " bytes that it says");
	if (given >= MOST_BYTES)
		return refuse_size(out, t->name, " data is damaged, or is more than ",
				   MOST_BYTES >> 20, " MiB");
	room->lacking = (room->end - room->start) + given;
	return lacks(room, out);
}

static enum unpack_end damaged(const struct format *t, const struct job *j, struct unpacked *out)
{
	refuse(out, t->name, " data is damaged");
	if (j->detail) {
		say(out, " (");
		say(out, j->detail);
		say(out, ")");
	}
	return END_REFUSES;
}

/* @f becomes what it was made of. */
static enum unpack_end decode(const struct format *t, struct file *f, struct room *room,
			      struct unpacked *out)
{
	uint64_t scratch = scratch_of(t, f), given;
	struct job j = { .in = f->in, .in_bytes = f->bytes, .room = room };
	enum outcome got;

	given = f->is_payload ? le(f->in + f->bytes - SIZE_BYTES, SIZE_BYTES) :
				output_bytes(t, f, scratch, room);
	if (!given || given > MOST_BYTES)
		return refuse_size(out, t->name, " data says that it unpacks to ", given,
				   " bytes, which no kernel has");
	if (f->is_payload && !t->has_size)
		j.in_bytes -= SIZE_BYTES;
	j.out = room_output(room, given);
	/* All at once, so that it need be asked for once. */
	if (!j.out || room_left(room) < scratch) {
		room->lacking = (j.out ? (uint64_t)(room->bottom - room->start) :
					 room->lacking) + scratch + SMALL_STATE;
		return lacks(room, out);
	}
	j.out_bytes = given;
	got = t->decode(&j);
	if (got == JOB_LACKS)
		return lacks(room, out);
	if (got == JOB_FULL)
		return full(t, f, given, room, out);
	if (got == JOB_DAMAGED)
		return damaged(t, &j, out);
	if (f->is_payload && j.out_bytes != given)
		return refuse_size(out, t->name, " data is not the ", given,
				   " bytes that it says");
	room_settle(room, j.out, j.out_bytes);
	*f = (struct file){ j.out, j.out_bytes, false };
	return END_DONE;
}

enum unpack_end unpack(const uint8_t *in, uint64_t bytes, struct room *room, struct unpacked *out)
{
	struct file f = { in, bytes, false };
	enum unpack_end end = END_DONE;

	*out = (struct unpacked){ 0 };
	for (unsigned level = 0; level < MAX_LEVELS && end == END_DONE; level++) {
		const struct format *t;

		if (is_bzimage(&f))
			end = enter_bzimage(&f, out);
		t = format_of(&f);
		if (end != END_DONE || !t)
			break;
		end = decode(t, &f, room, out);
	}
	if (end == END_DONE) {
		out->image = f.in;
		out->bytes = f.bytes;
	}
	return end;
}
