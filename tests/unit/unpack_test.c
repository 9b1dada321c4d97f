/* SPDX-License-Identifier: MIT */
/*
 * The unpacker, hosted: a kernel packed in each way, alone and in a bzImage, comes out as it went
 * in; what is wrong ends in its sentence; what is too large for the room says so, and fits the room
 * it asks for; and each is cut at every byte and damaged at random.
 *
 * Sources: unpack/unpack.c unpack/room.c unpack/gzip.c unpack/xz.c unpack/zstd.c unpack/lz4.c
 * Flags: -DMOST_BYTES=0x400000ul -Wl,--no-as-needed -lzstd -llzma -lz -llz4
 */
#include "fuzz.h"

#include "unpack/unpack.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define KERNEL_BYTES	(40u << 10)
#define BZ_BYTES	1024u
#define ROOM_BYTES	(24ul << 20)

/* Which the sanitizers' report follows. */
static void must_not(bool bad)
{
	if (bad)
		abort();
}

static u8 kernel[KERNEL_BYTES], *memory;
static struct unpacked u;

struct packed { u8 bytes[BZ_BYTES + 2 * KERNEL_BYTES]; size_t size; };

/* ---- Packing --------------------------------------------------------------------------------- */

static size_t pack_gzip(const u8 *in, size_t n, u8 *to, size_t most)
{
	z_stream z = { .next_in = (Bytef *)in, .avail_in = n, .next_out = to, .avail_out = most };

	must_not(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY));
	must_not(deflate(&z, Z_FINISH) != Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack_xz(const u8 *in, size_t n, u8 *to, size_t most)
{
	size_t at = 0;

	must_not(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in, n, to, &at, most));
	return at;
}

static size_t pack_lzma(const u8 *in, size_t n, u8 *to, size_t most)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma o;

	must_not(lzma_lzma_preset(&o, 6) || lzma_alone_encoder(&s, &o));
	s.next_in = in;
	s.avail_in = n;
	s.next_out = to;
	s.avail_out = most;
	must_not(lzma_code(&s, LZMA_FINISH) != LZMA_STREAM_END);
	lzma_end(&s);
	return s.total_out;
}

static size_t pack_zstd(const u8 *in, size_t n, u8 *to, size_t most)
{
	size_t got = ZSTD_compress(to, most, in, n, 19);

	must_not(ZSTD_isError(got));
	return got;
}

static size_t pack_lz4(const u8 *in, size_t n, u8 *to, size_t most)
{
	u32 magic = 0x184c2102, size;

	size = LZ4_compress_default((const char *)in, (char *)to + 8, n, most - 8);
	memcpy(to, &magic, 4);
	memcpy(to + 4, &size, 4);
	return 8 + size;
}

static const struct way {
	const char *name;
	size_t (*pack)(const u8 *in, size_t n, u8 *to, size_t most);
} ways[] = {
	{ "gzip", pack_gzip }, { "xz", pack_xz }, { "zstd", pack_zstd }, { "lz4", pack_lz4 },
	{ "lzma", pack_lzma },
};

static void set(u8 *to, u64 value, unsigned bytes)
{
	memcpy(to, &value, bytes);
}

static struct packed pack(const struct way *w, const u8 *in, size_t n)
{
	struct packed p = { .size = 0 };

	p.size = w->pack(in, n, p.bytes, sizeof(p.bytes));
	return p;
}

/* @file as the payload of a bzImage, which says that it unpacks to @size. */
static struct packed bzimage(const struct packed *file, bool has_size, u32 size)
{
	struct packed p = { .size = BZ_BYTES + file->size };

	p.bytes[0x1f1] = 1;
	set(p.bytes + 0x1fe, 0xaa55, 2);
	memcpy(p.bytes + 0x202, "HdrS", 4);
	set(p.bytes + 0x206, 0x20f, 2);
	memcpy(p.bytes + BZ_BYTES, file->bytes, file->size);
	if (!has_size) {
		set(p.bytes + p.size, size, 4);
		p.size += 4;
	}
	set(p.bytes + 0x24c, p.size - BZ_BYTES, 4);
	return p;
}

static struct packed bz_of(const struct way *w)
{
	struct packed p = pack(w, kernel, sizeof(kernel));

	return bzimage(&p, w->pack == pack_gzip, sizeof(kernel));
}

/* ---- What comes out -------------------------------------------------------------------------- */

static enum unpack_end run(const void *in, size_t n, u64 room_bytes)
{
	struct room room;

	room_init(&room, memory, room_bytes);
	return unpack(in, n, &room, &u);
}

static bool is_kernel(const struct packed *p)
{
	return run(p->bytes, p->size, ROOM_BYTES) == END_DONE && u.bytes == sizeof(kernel) &&
	       !memcmp(u.image, kernel, sizeof(kernel)) && !((u64)(u.image - memory) & 4095);
}

static void test_good(void)
{
	struct packed z;

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packed p = pack(&ways[i], kernel, sizeof(kernel)), bz = bz_of(&ways[i]);

		ok(is_kernel(&p), "%s: the kernel comes out (%s)", ways[i].name, u.why);
		ok(is_kernel(&bz), "%s in a bzImage (%s)", ways[i].name, u.why);
		z = pack(&ways[0], bz.bytes, bz.size);
		ok(is_kernel(&z), "%s in a bzImage in gzip (%s)", ways[i].name, u.why);
	}
	z = pack(&ways[0], kernel, sizeof(kernel));
	set(z.bytes + z.size, 7, 4);
	z.size += 4;
	ok(is_kernel(&z), "gzip with something behind it, which is not its size (%s)", u.why);
	ok(run(kernel, sizeof(kernel), ROOM_BYTES) == END_DONE && u.image == kernel,
	   "what is not packed comes out as it is");
}

/* From next to nothing to as much as is asked for. */
static void test_room(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packed bz = bz_of(&ways[i]), p = pack(&ways[i], kernel, sizeof(kernel));
		u64 size = 0;
		unsigned runs = 0;
		enum unpack_end end;

		while ((end = run(bz.bytes, bz.size, size)) == END_LACKS && u.bytes > size &&
		       runs++ < 8)
			size = u.bytes;
		ok(end == END_DONE && u.bytes == sizeof(kernel) && runs == 1,
		   "%s in a bzImage: asks for %lu KiB, once (%u), which are enough", ways[i].name,
		   size >> 10, runs);
		for (size = 0, runs = 0;
		     run(p.bytes, p.size, size) == END_LACKS && runs < 8; runs++)
			size = u.bytes;
		ok(is_kernel(&p) && runs <= 2, "%s alone: asks for %lu KiB, %u times",
		   ways[i].name, size >> 10, runs);
	}
}

/* ---- What is wrong --------------------------------------------------------------------------- */

static void refused(const struct packed *p, const char *sentence, const char *what)
{
	bool good = run(p->bytes, p->size, ROOM_BYTES) == END_REFUSES && strstr(u.why, sentence);

	ok(good, "%s: %s", what, u.why);
}

static void test_bad(void)
{
	struct packed p, bz;
	char what[80];

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		p = pack(&ways[i], kernel, sizeof(kernel));
		p.size -= p.size / 3;
		snprintf(what, sizeof(what), "%s, cut short", ways[i].name);
		refused(&p, "data is damaged", what);
		p = bzimage(&p, false, sizeof(kernel));
		snprintf(what, sizeof(what), "%s, cut short, in a bzImage", ways[i].name);
		refused(&p, "data is damaged", what);
		p = pack(&ways[i], kernel, sizeof(kernel));
		bz = bzimage(&p, false, sizeof(kernel) + 5);
		snprintf(what, sizeof(what), "%s that says too much", ways[i].name);
		refused(&bz, "data is not the 40965 bytes that it says", what);
		bz = bzimage(&p, false, sizeof(kernel) - 5);
		snprintf(what, sizeof(what), "%s that says too little", ways[i].name);
		refused(&bz, "is more than the 40955 bytes that it says", what);
		bz = bzimage(&p, false, 0);
		snprintf(what, sizeof(what), "%s that says nothing", ways[i].name);
		refused(&bz, "unpacks to 0 bytes, which no kernel has", what);
		bz = bzimage(&p, false, 3u << 30);
		snprintf(what, sizeof(what), "%s that says 3 GiB", ways[i].name);
		refused(&bz, "unpacks to 3221225472 bytes, which no kernel has", what);
	}
	bz = bz_of(&ways[0]);
	set(bz.bytes + 0x24c, bz.size, 4);
	refused(&bz, "payload ends beyond the file", "a payload beyond the end");
	set(bz.bytes + 0x248, ~0u, 4);
	set(bz.bytes + 0x24c, ~0u, 4);
	refused(&bz, "payload ends beyond the file", "a payload that wraps");
	bz = bz_of(&ways[0]);
	set(bz.bytes + 0x206, 0x204, 2);
	refused(&bz, "boot protocol before 2.08", "protocol 2.04");
	bz = bz_of(&ways[0]);
	set(bz.bytes + 0x24c, 0, 4);
	refused(&bz, "payload ends beyond the file", "a bzImage of nothing");
	bz = bz_of(&ways[0]);
	bz.size = 0x240;
	refused(&bz, "ends inside its header", "a bzImage of 576 bytes");
	bz = bz_of(&ways[0]);
	memcpy(bz.bytes + BZ_BYTES, "BZh9", 4);
	refused(&bz, "packed in none of the ways", "bzip2 in a bzImage");
	p = bz = pack(&ways[0], kernel, sizeof(kernel));
	for (unsigned i = 0; i < 3; i++)
		p = pack(&ways[0], p.bytes, p.size);
	ok(run(p.bytes, p.size, ROOM_BYTES) == END_DONE && u.bytes == bz.size &&
		   !memcmp(u.image, bz.bytes, bz.size),
	   "packed four times: three are taken off, and what is left is not an ELF");
}

/* 5 MiB of zeroes, where 4 are the most. */
static void test_bomb(void)
{
	static u8 zeroes[5 << 20], packed[64 << 10];
	u64 size = 0;
	unsigned runs = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t n = ways[i].pack(zeroes, sizeof(zeroes), packed, sizeof(packed));
		enum unpack_end end;

		for (size = 0, runs = 0;
		     (end = run(packed, n, size)) == END_LACKS && runs < 8; runs++)
			size = u.bytes;
		ok(end == END_REFUSES && size <= ROOM_BYTES &&
			   strstr(u.why, "data is damaged, or is more than 4 MiB"),
		   "a bomb in %s: after %u rooms, of %lu KiB at last: %s", ways[i].name, runs,
		   size >> 10, u.why);
	}
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static u64 nr_done, nr_refused, nr_lacking;

static void attempt(const void *in, size_t n)
{
	const u8 *from = in;

	switch (run(in, n, ROOM_BYTES)) {
	case END_DONE:
		nr_done++;
		must_not(u.bytes > MOST_BYTES);
		must_not(!(u.image >= from && u.image + u.bytes <= from + n) &&
		       !(u.image >= memory && u.image + u.bytes <= memory + ROOM_BYTES));
		break;
	case END_LACKS:
		nr_lacking++;
		must_not(u.bytes <= ROOM_BYTES);
		break;
	case END_REFUSES:
		nr_refused++;
		must_not(!fuzz_is_sentence(u.why));
		break;
	}
}

static void test_damage(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct packed p = pack(&ways[i], kernel, 3000), bz;

		bz = bzimage(&p, ways[i].pack == pack_gzip, 3000);
		nr_done = nr_refused = nr_lacking = 0;
		fuzz_truncations(p.bytes, p.size, attempt);
		fuzz_damages(p.bytes, p.size, 1000, NULL, attempt);
		fuzz_damages(bz.bytes, bz.size, 1000, NULL, attempt);
		ok(nr_done && nr_refused > 100, "%s, cut and damaged: %lu taken, %lu refused, %lu "
		   "want more room", ways[i].name, nr_done, nr_refused, nr_lacking);
	}
}

int main(void)
{
	memory = aligned_alloc(4096, ROOM_BYTES);
	/* Half of it compresses. */
	for (unsigned i = 0; i < KERNEL_BYTES; i++)
		kernel[i] = i % 64 < 32 ? i / 64 : tap_random();
	memcpy(kernel, "\177ELF", 4);
	test_good();
	test_room();
	test_bad();
	test_damage();
	test_bomb();
	return done();
}
