/* SPDX-License-Identifier: MIT */
/*
 * gzip, by zlib. RFC 1952: header, deflate, CRC, size.
 */
#include "unpack.h"
#include <zlib.h>

#define GZIP_ONLY	(16 + MAX_WBITS)
#define PIECE		(1u << 30)		/* zlib counts in 32 bits */

static void *take(void *room, unsigned n, unsigned size)
{
	return room_scratch(room, (uint64_t)n * size);
}

static void give(void *room, void *p)
{
	(void)room;
	(void)p;
}

/* The size modulo 2^32, at the end: a hint only where something follows. */
uint64_t expects_gzip(const uint8_t *in, uint64_t bytes)
{
	return bytes < 18 ? 0 : le(in + bytes - 4, 4);
}

/* At the most MOST_BYTES come out, and in_bytes is a module's. */
static int inflate_all(z_stream *z, struct job *j)
{
	uint64_t in = 0, out = 0;
	int rc = Z_OK;

	while (rc == Z_OK) {
		uint64_t in_left = j->in_bytes - in, out_left = j->out_bytes - out;

		z->next_in = (Bytef *)j->in + in;
		z->avail_in = in_left < PIECE ? in_left : PIECE;
		z->next_out = j->out + out;
		z->avail_out = out_left < PIECE ? out_left : PIECE;
		rc = inflate(z, Z_NO_FLUSH);
		in = z->next_in - j->in;
		out = z->next_out - j->out;
	}
	if (rc == Z_BUF_ERROR && out == j->out_bytes && in < j->in_bytes)
		return Z_BUF_ERROR;
	if (rc == Z_BUF_ERROR)
		j->detail = "it ends too early";
	j->out_bytes = out;
	return rc == Z_BUF_ERROR ? Z_DATA_ERROR : rc;
}

enum outcome decode_gzip(struct job *j)
{
	z_stream z = { .zalloc = take, .zfree = give, .opaque = j->room };
	int rc = inflateInit2(&z, GZIP_ONLY);

	if (rc == Z_OK)
		rc = inflate_all(&z, j);
	if (rc == Z_STREAM_END)
		return JOB_DONE;
	if (rc == Z_BUF_ERROR)
		return JOB_FULL;
	if (rc == Z_MEM_ERROR)
		return JOB_LACKS;
	if (!j->detail)
		j->detail = z.msg;
	return JOB_DAMAGED;
}
