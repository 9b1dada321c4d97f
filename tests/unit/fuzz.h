/* SPDX-License-Identifier: MIT */
/*
 * Fuzz: one sound input, cut at every byte and damaged at random with a fixed seed.
 *
 * Each attempt lies in a heap block of exactly its own length, so the address sanitizer sees a read
 * one byte too far. The caller's function parses the block, and checks whatever must hold of the
 * answer.
 */
#pragma once
#include "tap.h"

#include <isola/types.h>
#include <string.h>

typedef void fuzz_fn(const void *input, size_t len);

static inline void fuzz_one(const void *input, size_t len, fuzz_fn *fn)
{
	void *exact = malloc(len ? len : 1);

	memcpy(exact, input, len);
	fn(exact, len);
	free(exact);
}

static inline void fuzz_truncations(const void *good, size_t len, fuzz_fn *fn)
{
	for (size_t n = 0; n < len; n++)
		fuzz_one(good, n, fn);
}

/* Numbers that sit on the edge of something. */
static inline uint64_t fuzz_number(void)
{
	static const uint64_t edges[] = { 0,
					  1,
					  7,
					  8,
					  0x7f,
					  0x80,
					  0xff,
					  0xffff,
					  0x7fffffff,
					  0x80000000,
					  0xffffffff,
					  0x100000000,
					  0x7fffffffffffffff,
					  0x8000000000000000,
					  0xfffffffffffff000,
					  0xffffffffffffffff };
	uint64_t r = tap_random();

	return r % 3 ? edges[(r >> 8) % ARRAY_SIZE(edges)] + (r >> 32) % 3 - 1 : tap_random();
}

static inline void fuzz_damage(unsigned char *bytes, size_t len)
{
	static const size_t widths[] = { 1, 2, 4, 8 };

	for (uint64_t n = 1 + tap_random() % 4; n; n--) {
		size_t at = tap_random() % len, width = widths[tap_random() % 4];
		uint64_t number = fuzz_number();

		if (tap_random() % 2) {
			bytes[at] ^= (unsigned char)(1 << tap_random() % 8);
			continue;
		}
		at -= at % width;	/* fields are aligned: aim at them */
		memcpy(bytes + at, &number, min(width, len - at));
	}
}

/*
 * How many attempts instead of @rounds: all, unless the environment asks for a share of them; never
 * none.
 */
static inline unsigned int fuzz_rounds(unsigned int rounds)
{
	const char *divisor = getenv("FUZZ_DIVISOR");

	return max(rounds / (divisor && atoi(divisor) > 0 ? (unsigned int)atoi(divisor) : 1), 1u);
}

/*
 * @fix, if not NULL, repairs checksums, so that damage gets past them; every other attempt goes
 * without.
 */
static inline void fuzz_damages(const void *good, size_t len, unsigned int rounds,
				void (*fix)(void *, size_t), fuzz_fn *fn)
{
	unsigned char *copy = malloc(len);

	for (unsigned int i = 0; i < fuzz_rounds(rounds); i++) {
		memcpy(copy, good, len);
		fuzz_damage(copy, len);
		if (fix && i % 2)
			fix(copy, len);
		fuzz_one(copy, i % 8 ? len : tap_random() % (len + 1), fn);
	}
	free(copy);
}

/* A refusal is one line of plain text that fits a console. */
static inline bool fuzz_is_sentence(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return len >= 8 && len < 160;
}
