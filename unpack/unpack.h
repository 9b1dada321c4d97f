/* SPDX-License-Identifier: MIT */
/*
 * The unpacker: from a kernel as distributions ship it to the ELF inside. It runs as an
 * unprivileged domain of its own (docs/static-domains.md), and hosted, where it is fuzzed.
 *
 * Everything stands in one room of fixed size. What is unpacked grows from below, a page-aligned
 * block for each level; what a decoder works in comes from above, and goes with the decoder. If the
 * room is too small, `lacking' says how large another must be.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define WHY_BYTES	112
#ifndef MOST_BYTES				/* a test has less of it */
#define MOST_BYTES	(512ul << 20)		/* of what is unpacked */
#endif

struct room {
	uint8_t *start, *end;
	uint8_t *bottom, *top;			/* between them is free */
	uint64_t lacking;			/* 0, or how many bytes it should have */
};

void room_init(struct room *r, void *start, uint64_t bytes);
/* NULL: there is not so much left, and r->lacking is set. */
void *room_output(struct room *r, uint64_t bytes);
void *room_scratch(struct room *r, uint64_t bytes);
/* Of the last output only @bytes are needed; what is in use from above is not, any more. */
void room_settle(struct room *r, uint8_t *output, uint64_t bytes);
uint64_t room_left(const struct room *r);

/* One level of it. */
struct job {
	const uint8_t *in;
	uint64_t in_bytes;
	uint8_t *out;
	uint64_t out_bytes;			/* in: room for so many; out: so many are there */
	struct room *room;
	const char *detail;			/* of damage; may stay NULL */
};

enum outcome {
	JOB_DONE,
	JOB_FULL,				/* there is more than out_bytes */
	JOB_LACKS,				/* room->lacking */
	JOB_DAMAGED,
};

enum outcome decode_gzip(struct job *j);
enum outcome decode_xz(struct job *j);
enum outcome decode_lzma(struct job *j);
enum outcome decode_zstd(struct job *j);
enum outcome decode_lz4(struct job *j);
/* How many bytes it works in, at least; how many it unpacks to, or 0: the file does not say. */
uint64_t scratch_xz(const uint8_t *in, uint64_t bytes);
uint64_t scratch_lzma(const uint8_t *in, uint64_t bytes);
uint64_t expects_gzip(const uint8_t *in, uint64_t bytes);
uint64_t expects_lzma(const uint8_t *in, uint64_t bytes);
uint64_t expects_zstd(const uint8_t *in, uint64_t bytes);

static inline uint64_t le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

enum unpack_end { END_DONE, END_LACKS, END_REFUSES };

struct unpacked {
	const uint8_t *image;			/* END_DONE */
	uint64_t bytes;				/* of it; END_LACKS: of the room that is needed */
	char why[WHY_BYTES];			/* END_REFUSES */
};

/*
 * Unpack @in, @bytes of anything, as often as it is packed. What is not packed at all comes out as
 * it is: what that is, is not for this room to say.
 */
enum unpack_end unpack(const uint8_t *in, uint64_t bytes, struct room *room, struct unpacked *out);
