/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps: arrays of unsigned long in which bit n is bit n % 64 of word n / 64.
 *
 * bitmap_* are plain loads and stores: the caller owns the map or holds its lock. atomic_bitmap_*
 * are LOCKed, full barriers, and safe against any other CPU; mixing the two on one map loses
 * updates. No function reads or writes a word beyond the one that holds the last bit.
 */
#pragma once
#include <isola/types.h>

#define BITS_PER_LONG		64
#define BITMAP_LONGS(nbits)	(((nbits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, nbits) unsigned long name[BITMAP_LONGS(nbits)]

static inline bool bitmap_test(const unsigned long *map, size_t bit)
{
	return READ_ONCE(map[bit / BITS_PER_LONG]) >> (bit % BITS_PER_LONG) & 1;
}

static inline void bitmap_set(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
}

static inline void bitmap_clear(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
}

static inline bool bitmap_test_and_set(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_set(map, bit);
	return old;
}

static inline bool bitmap_test_and_clear(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_clear(map, bit);
	return old;
}

static inline void atomic_bitmap_set(unsigned long *map, size_t bit)
{
	__asm__ __volatile__("lock orq %1, %0" : "+m"(map[bit / BITS_PER_LONG])
			     : "r"(BIT(bit % BITS_PER_LONG)) : "memory", "cc");
}

static inline void atomic_bitmap_clear(unsigned long *map, size_t bit)
{
	__asm__ __volatile__("lock andq %1, %0" : "+m"(map[bit / BITS_PER_LONG])
			     : "r"(~BIT(bit % BITS_PER_LONG)) : "memory", "cc");
}

/*
 * The bit offset is reduced first: with a register operand BTS would itself reach beyond the word.
 */
static inline bool __must_check atomic_bitmap_test_and_set(unsigned long *map, size_t bit)
{
	bool old;

	__asm__ __volatile__("lock btsq %2, %0" : "+m"(map[bit / BITS_PER_LONG]), "=@ccc"(old)
			     : "r"((u64)bit % BITS_PER_LONG) : "memory");
	return old;
}

static inline bool __must_check atomic_bitmap_test_and_clear(unsigned long *map, size_t bit)
{
	bool old;

	__asm__ __volatile__("lock btrq %2, %0" : "+m"(map[bit / BITS_PER_LONG]), "=@ccc"(old)
			     : "r"((u64)bit % BITS_PER_LONG) : "memory");
	return old;
}

void bitmap_zero(unsigned long *map, size_t nbits);
void bitmap_set_range(unsigned long *map, size_t first, size_t nr);
void bitmap_clear_range(unsigned long *map, size_t first, size_t nr);

/* First set (zero) bit at or after @from and below @nbits; @nbits when there is none. */
size_t bitmap_find_next(const unsigned long *map, size_t nbits, size_t from);
size_t bitmap_find_next_zero(const unsigned long *map, size_t nbits, size_t from);

static inline size_t bitmap_find_first(const unsigned long *map, size_t nbits)
{
	return bitmap_find_next(map, nbits, 0);
}

static inline size_t bitmap_find_first_zero(const unsigned long *map, size_t nbits)
{
	return bitmap_find_next_zero(map, nbits, 0);
}

/* Number of set bits below @nbits. */
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t nbits);
size_t bitmap_weight(const unsigned long *map, size_t nbits);

static inline bool bitmap_empty(const unsigned long *map, size_t nbits)
{
	return bitmap_find_first(map, nbits) >= nbits;
}

#define bitmap_for_each(bit, map, nbits)				\
	for ((bit) = bitmap_find_first(map, nbits); (bit) < (nbits);	\
	     (bit) = bitmap_find_next(map, nbits, (bit) + 1))
