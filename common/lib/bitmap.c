/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps: the functions that look at more than one word.
 *
 * Words are read once each, with READ_ONCE, so a search over a map that others change atomically
 * returns a bit that had the asked value at some moment of the search.
 */
#include <isola/lib/bitmap.h>

void bitmap_zero(unsigned long *map, size_t nbits)
{
	for (size_t i = 0; i < BITMAP_LONGS(nbits); i++)
		WRITE_ONCE(map[i], 0);
}

/* The bits of word @word that lie in [first, end). */
static unsigned long range_mask(size_t word, size_t first, size_t end)
{
	size_t base = word * BITS_PER_LONG;
	unsigned long mask = ~0UL;

	if (first > base)
		mask &= ~0UL << (first - base);
	if (end < base + BITS_PER_LONG)
		mask &= BIT(end - base) - 1;
	return mask;
}

void bitmap_set_range(unsigned long *map, size_t first, size_t nr)
{
	size_t end = first + nr;

	for (size_t word = first / BITS_PER_LONG; word < BITMAP_LONGS(end); word++)
		map[word] |= range_mask(word, first, end);
}

void bitmap_clear_range(unsigned long *map, size_t first, size_t nr)
{
	size_t end = first + nr;

	for (size_t word = first / BITS_PER_LONG; word < BITMAP_LONGS(end); word++)
		map[word] &= ~range_mask(word, first, end);
}

/* @flip turns a search for set bits into one for zero bits. */
static size_t find_next(const unsigned long *map, size_t nbits, size_t from, unsigned long flip)
{
	unsigned long value;
	size_t word = from / BITS_PER_LONG;

	if (from >= nbits)
		return nbits;

	value = (READ_ONCE(map[word]) ^ flip) & (~0UL << (from % BITS_PER_LONG));
	while (!value) {
		if (++word >= BITMAP_LONGS(nbits))
			return nbits;
		value = READ_ONCE(map[word]) ^ flip;
	}
	return min(word * BITS_PER_LONG + (size_t)__builtin_ctzl(value), nbits);
}

size_t bitmap_find_next(const unsigned long *map, size_t nbits, size_t from)
{
	return find_next(map, nbits, from, 0);
}

size_t bitmap_find_next_zero(const unsigned long *map, size_t nbits, size_t from)
{
	return find_next(map, nbits, from, ~0UL);
}

/* By hand: POPCNT may be missing, and the compiler's fallback lives in a library we do not link. */
static size_t popcount(unsigned long x)
{
	x -= (x >> 1) & 0x5555555555555555UL;
	x = (x & 0x3333333333333333UL) + ((x >> 2) & 0x3333333333333333UL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (x * 0x0101010101010101UL) >> 56;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t nbits)
{
	for (size_t word = 0; word < BITMAP_LONGS(nbits); word++)
		if (a[word] & b[word] & range_mask(word, 0, nbits))
			return true;
	return false;
}

size_t bitmap_weight(const unsigned long *map, size_t nbits)
{
	size_t sum = 0;

	for (size_t word = 0; word < BITMAP_LONGS(nbits); word++)
		sum += popcount(READ_ONCE(map[word]) & range_mask(word, 0, nbits));
	return sum;
}
