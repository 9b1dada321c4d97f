/* SPDX-License-Identifier: MIT */
/*
 * zstd, by libzstd: one frame, in one piece, so that no window is kept beside what comes out.
 */
#include "unpack.h"
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

static void *take(void *room, size_t bytes)
{
	return room_scratch(room, bytes);
}

static void give(void *room, void *p)
{
	(void)room;
	(void)p;
}

uint64_t expects_zstd(const uint8_t *in, uint64_t bytes)
{
	unsigned long long size = ZSTD_getFrameContentSize(in, bytes);

	return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}

static enum outcome failed(struct job *j, size_t rc)
{
	if (ZSTD_getErrorCode(rc) == ZSTD_error_dstSize_tooSmall)
		return JOB_FULL;
	j->detail = ZSTD_getErrorName(rc);
	return JOB_DAMAGED;
}

enum outcome decode_zstd(struct job *j)
{
	ZSTD_customMem memory = { take, give, j->room };
	size_t frame = ZSTD_findFrameCompressedSize(j->in, j->in_bytes), rc;
	ZSTD_DCtx *d;

	if (ZSTD_isError(frame))
		return failed(j, frame);
	d = ZSTD_createDCtx_advanced(memory);
	if (!d)
		return JOB_LACKS;
	rc = ZSTD_decompressDCtx(d, j->out, j->out_bytes, j->in, frame);
	if (ZSTD_isError(rc))
		return failed(j, rc);
	j->out_bytes = rc;
	return JOB_DONE;
}
