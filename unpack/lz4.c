/* SPDX-License-Identifier: MIT */
/*
 * lz4 as Linux ships it, by liblz4: the legacy format (lz4 -l), a magic number and blocks, each led
 * by its length and at most 8 MiB when it is unpacked. A magic number may stand between blocks.
 */
#include "unpack.h"
#include <lz4.h>

#define LEGACY_MAGIC	0x184c2102u
#define BLOCK_BYTES	(8u << 20)

enum outcome decode_lz4(struct job *j)
{
	uint64_t at = 4, out = 0;

	while (j->in_bytes - at >= 4) {
		uint64_t packed = le(j->in + at, 4), left = j->out_bytes - out;
		int n;

		at += 4;
		if (packed == LEGACY_MAGIC)
			continue;
		if (packed > j->in_bytes - at || packed > LZ4_COMPRESSBOUND(BLOCK_BYTES)) {
			j->detail = "a block ends beyond it";
			return JOB_DAMAGED;
		}
		n = LZ4_decompress_safe((const char *)j->in + at, (char *)j->out + out, (int)packed,
					left < BLOCK_BYTES ? (int)left : (int)BLOCK_BYTES);
		/* What does not fit looks like damage. */
		if (n < 0 && left < BLOCK_BYTES)
			return JOB_FULL;
		if (n < 0)
			return JOB_DAMAGED;
		at += packed;
		out += n;
	}
	j->out_bytes = out;
	if (at == j->in_bytes)
		return JOB_DONE;
	j->detail = "it ends too early";
	return JOB_DAMAGED;
}
