/* SPDX-License-Identifier: MIT */
/*
 * xz and the older lzma, by liblzma.
 */
#include "unpack.h"
#include <lzma.h>

#define ALONE_HEADER	13u		/* properties, dictionary, size */
#define STATE_BYTES	(256ul << 10)	/* what a decoder has beside the dictionary */

static void *take(void *room, size_t n, size_t size)
{
	if (size && n > UINT64_MAX / size)
		return NULL;
	return room_scratch(room, n * size);
}

static void give(void *room, void *p)
{
	(void)room;
	(void)p;
}

static const char *name_of(lzma_ret rc)
{
	switch (rc) {
	case LZMA_BUF_ERROR: return "it ends too early";
	case LZMA_FORMAT_ERROR: return "its header is not one";
	case LZMA_OPTIONS_ERROR: return "it needs what liblzma does not know";
	default: return NULL;
	}
}

static enum outcome decode(lzma_stream *s, lzma_ret rc, struct job *j)
{
	if (rc == LZMA_OK) {
		s->next_in = j->in;
		s->avail_in = j->in_bytes;
		s->next_out = j->out;
		s->avail_out = j->out_bytes;
		do
			rc = lzma_code(s, LZMA_RUN);
		while (rc == LZMA_OK);
		if (rc == LZMA_BUF_ERROR && !s->avail_out && s->avail_in)
			return JOB_FULL;
		j->out_bytes -= s->avail_out;
	}
	if (rc == LZMA_STREAM_END)
		return JOB_DONE;
	if (rc == LZMA_MEM_ERROR && j->room->lacking)
		return JOB_LACKS;
	j->detail = name_of(rc);
	return JOB_DAMAGED;
}

enum outcome decode_xz(struct job *j)
{
	lzma_allocator a = { .alloc = take, .free = give, .opaque = j->room };
	lzma_stream s = LZMA_STREAM_INIT;

	s.allocator = &a;
	return decode(&s, lzma_stream_decoder(&s, UINT64_MAX, 0), j);
}

enum outcome decode_lzma(struct job *j)
{
	lzma_allocator a = { .alloc = take, .free = give, .opaque = j->room };
	lzma_stream s = LZMA_STREAM_INIT;

	s.allocator = &a;
	return decode(&s, lzma_alone_decoder(&s, UINT64_MAX), j);
}

/*
 * The first block's header names its dictionary. Only a guess is made of it: a decoder that lacks
 * more says so itself.
 */
uint64_t scratch_xz(const uint8_t *in, uint64_t bytes)
{
	static uint8_t memory[16 << 10];
	struct room small;
	lzma_allocator a = { .alloc = take, .free = give, .opaque = &small };
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block block = { .version = 0, .filters = filters };
	const uint8_t *header = in + LZMA_STREAM_HEADER_SIZE;
	lzma_stream_flags flags;
	uint64_t usage;

	room_init(&small, memory, sizeof(memory));
	if (bytes <= LZMA_STREAM_HEADER_SIZE || lzma_stream_header_decode(&flags, in) != LZMA_OK)
		return STATE_BYTES;
	block.header_size = lzma_block_header_size_decode(*header);
	block.check = flags.check;
	if (!*header || block.header_size > bytes - LZMA_STREAM_HEADER_SIZE ||
	    lzma_block_header_decode(&block, &a, header) != LZMA_OK)
		return STATE_BYTES;
	usage = lzma_raw_decoder_memusage(filters);
	return usage > 4 * MOST_BYTES ? STATE_BYTES : STATE_BYTES + usage;
}

uint64_t scratch_lzma(const uint8_t *in, uint64_t bytes)
{
	return STATE_BYTES + (bytes < ALONE_HEADER ? 0 : le(in + 1, 4));
}

uint64_t expects_lzma(const uint8_t *in, uint64_t bytes)
{
	uint64_t size = bytes < ALONE_HEADER ? 0 : le(in + 5, 8);

	return size == UINT64_MAX ? 0 : size;
}
