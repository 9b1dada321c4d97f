/* SPDX-License-Identifier: MIT */
/*
 * Memory of the unpacker: unpack.h.
 */
#include "unpack.h"

#define OUTPUT_ALIGN	4096ul
#define SCRATCH_ALIGN	64ul
#define SLACK		(64ul << 10)	/* for the small things that come after a large one */

void room_init(struct room *r, void *start, uint64_t bytes)
{
	*r = (struct room){ .start = start, .end = (uint8_t *)start + bytes, .bottom = start };
	r->top = r->end;
}

uint64_t room_left(const struct room *r)
{
	return r->top - r->bottom;
}

/* Sums do not wrap: what is in use is below 2^47, and a request above MOST_BYTES is cut. */
static void *lacks(struct room *r, uint64_t bytes)
{
	uint64_t used = (r->bottom - r->start) + (r->end - r->top);

	if (bytes > 4 * MOST_BYTES)
		bytes = 4 * MOST_BYTES;
	r->lacking = used + bytes + SLACK;
	return NULL;
}

void *room_output(struct room *r, uint64_t bytes)
{
	uint64_t pad = -(uintptr_t)r->bottom % OUTPUT_ALIGN;
	uint8_t *p = r->bottom + pad;

	if (room_left(r) < pad || room_left(r) - pad < bytes)
		return lacks(r, bytes + OUTPUT_ALIGN);
	r->bottom = p + bytes;
	return p;
}

void *room_scratch(struct room *r, uint64_t bytes)
{
	uint64_t left = room_left(r);

	if (left < SCRATCH_ALIGN || left - SCRATCH_ALIGN < bytes)
		return lacks(r, bytes);
	r->top -= bytes;
	r->top -= (uintptr_t)r->top % SCRATCH_ALIGN;
	return r->top;
}

void room_settle(struct room *r, uint8_t *output, uint64_t bytes)
{
	r->bottom = output + bytes;
	r->top = r->end;
}
