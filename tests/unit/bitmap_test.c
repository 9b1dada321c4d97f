/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps, compared bit by bit with an array of bools, at every position around the word
 * boundaries.
 *
 * Sources: common/lib/bitmap.c
 */
#include "tap.h"

#include <isola/lib/bitmap.h>
#include <string.h>

#define NBITS 200

static size_t model_next(const bool *model, size_t nbits, size_t from, bool wanted)
{
	while (from < nbits && model[from] != wanted)
		from++;
	return from < nbits ? from : nbits;
}

static void compare(const unsigned long *map, const bool *model)
{
	for (size_t nbits = 0; nbits <= NBITS; nbits += nbits > 120 && nbits < 130 ? 1 : 7) {
		size_t weight = 0, bit, count = 0;

		for (size_t i = 0; i < nbits; i++)
			weight += model[i];
		check(bitmap_weight(map, nbits) == weight, "weight below %zu", nbits);
		check(bitmap_empty(map, nbits) == !weight, "empty below %zu", nbits);
		check(bitmap_find_first_zero(map, nbits) == model_next(model, nbits, 0, false),
		      "first zero");
		bitmap_for_each(bit, map, nbits) {
			check(model[bit], "for_each gives clear bit %zu", bit);
			count++;
		}
		check(count == weight, "for_each gives %zu of %zu", count, weight);
		for (size_t from = 0; from <= NBITS + 1; from++) {
			check(bitmap_find_next(map, nbits, from) ==
				      model_next(model, nbits, from, true),
			      "find_next(%zu, %zu)", nbits, from);
			check(bitmap_find_next_zero(map, nbits, from) ==
				      model_next(model, nbits, from, false),
			      "find_next_zero(%zu, %zu)", nbits, from);
		}
	}
}

static void test_random(void)
{
	DECLARE_BITMAP(map, NBITS);
	bool model[NBITS] = { false };

	memset(map, 0xff, sizeof(map));
	bitmap_zero(map, NBITS);
	for (int round = 0; round < 400; round++) {
		size_t bit = tap_random() % NBITS, nr = tap_random() % (NBITS - bit + 1);
		bool old = model[bit];

		switch (tap_random() % 10) {
		case 0: bitmap_set(map, bit); model[bit] = true; break;
		case 1: bitmap_clear(map, bit); model[bit] = false; break;
		case 2:
			check(bitmap_test_and_set(map, bit) == old, "test_and_set");
			model[bit] = true;
			break;
		case 3:
			check(bitmap_test_and_clear(map, bit) == old, "test_and_clear");
			model[bit] = false;
			break;
		case 4: atomic_bitmap_set(map, bit); model[bit] = true; break;
		case 5: atomic_bitmap_clear(map, bit); model[bit] = false; break;
		case 6: check(atomic_bitmap_test_and_set(map, bit) == old, "atomic test_and_set");
			model[bit] = true; break;
		case 7:
			check(atomic_bitmap_test_and_clear(map, bit) == old,
			      "atomic test_and_clear");
			model[bit] = false; break;
		case 8: bitmap_set_range(map, bit, nr); memset(model + bit, true, nr); break;
		case 9: bitmap_clear_range(map, bit, nr); memset(model + bit, false, nr); break;
		}
		for (size_t i = 0; i < NBITS; i++)
			check(bitmap_test(map, i) == model[i], "bit %zu in round %d", i, round);
		if (round % 8 == 0)
			compare(map, model);
	}
	all_ok("400 random steps, each function against the model");
}

/* In a heap block of exactly the right size a reach beyond the last word is seen. */
static void test_bounds(void)
{
	for (size_t nbits = 1; nbits <= 130; nbits++) {
		unsigned long *map = calloc(BITMAP_LONGS(nbits), sizeof(*map));

		atomic_bitmap_set(map, nbits - 1);
		check(bitmap_find_first(map, nbits) == nbits - 1, "last bit of %zu", nbits);
		check(bitmap_find_next_zero(map, nbits, nbits - 1) == nbits, "no zero after it");
		check(atomic_bitmap_test_and_clear(map, nbits - 1),
		      "test_and_clear of the last bit");
		bitmap_set_range(map, 0, nbits);
		check(bitmap_weight(map, nbits) == nbits, "weight of a full map");
		check(bitmap_find_first_zero(map, nbits) == nbits, "no zero in a full map");
		free(map);
	}
	all_ok("maps of 1 to 130 bits stay inside their words");
}

/* Two maps of one bit each: they meet where it is the same one, and it counts. */
static void test_intersects(void)
{
	bool all = true;

	for (size_t a = 0; a < NBITS; a++)
		for (size_t b = 0; b < NBITS; b++) {
			DECLARE_BITMAP(one, NBITS) = { 0 };
			DECLARE_BITMAP(other, NBITS) = { 0 };

			bitmap_set(one, a);
			bitmap_set(other, b);
			all = all && bitmap_intersects(one, other, NBITS) == (a == b) &&
			      !bitmap_intersects(one, other, a);
		}
	ok(all, "two maps intersect where both have a bit below the limit");
}

int main(void)
{
	test_random();
	test_bounds();
	test_intersects();
	return done();
}
