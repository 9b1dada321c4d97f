/* SPDX-License-Identifier: MIT */
/*
 * Sets of numbers (common/lib/ranges.c) against a map of bits: random ranges of small numbers come
 * and go; and the ends of the line, and the most ranges.
 *
 * Sources: common/lib/ranges.c
 */
#include <stdlib.h>
#include <string.h>
#include "tap.h"
#include <isola/errno.h>
#include <isola/lib/ranges.h>

#define NUMBERS 64u

static struct range room[RANGES_MAX];
static struct ranges r = { .range = room };
static bool map[NUMBERS];

static unsigned in_map(u64 first, u64 last)
{
	unsigned nr = 0;

	for (u64 n = first; n <= last; n++)
		nr += map[n];
	return nr;
}

/* In order, apart, and what the map has. */
static bool is_right(void)
{
	u64 nr = 0;

	for (u32 i = 0; i < r.nr; i++) {
		if (room[i].first > room[i].last || (i && room[i - 1].last + 1 >= room[i].first))
			return false;
		nr += room[i].last - room[i].first + 1;
		if (in_map(room[i].first, room[i].last) != room[i].last - room[i].first + 1)
			return false;
	}
	return nr == in_map(0, NUMBERS - 1);
}

static bool one_round(void)
{
	u64 first = (u64)rand() % NUMBERS, last = first + (u64)rand() % (NUMBERS - first);
	unsigned there = in_map(first, last), all = last - first + 1;
	bool add = rand() % 2;
	int rc;

	if (ranges_have(&r, first, last) != (there == all))
		return false;
	rc = add ? ranges_add(&r, first, last) : ranges_remove(&r, first, last);
	if (rc != (add ? (there ? -EEXIST : 0) : (there == all ? 0 : -ENOENT)))
		return false;
	if (!rc)
		memset(&map[first], add, all);
	return is_right();
}

static void the_most(void)
{
	bool all = true;

	r.nr = 0;
	for (u64 i = 0; i < RANGES_MAX; i++)
		all &= ranges_add(&r, 4 * i, 4 * i + 2) == 0;
	ok(all && r.nr == RANGES_MAX, "as many ranges as there is room for");
	ok(ranges_add(&r, 1ul << 40, 1ul << 40) == -ENOMEM && r.nr == RANGES_MAX,
	   "no more");
	ok(ranges_remove(&r, 5, 5) == -ENOMEM && ranges_have(&r, 4, 6), "none is cut in two");
	ok(ranges_add(&r, 3, 3) == 0 && r.nr == RANGES_MAX - 1 && ranges_have(&r, 0, 6),
	   "but two become one");
}

int main(void)
{
	unsigned wrong = 0;
	struct ranges none = { 0 };

	for (unsigned i = 0; i < 200000; i++)
		wrong += !one_round();
	ok(!wrong, "200000 random ranges come and go as in a map of bits");
	the_most();
	r.nr = 0;
	ok(ranges_add(&r, ~0ul, ~0ul) == 0 && ranges_add(&r, 0, 0) == 0 && r.nr == 2 &&
	   ranges_have(&r, ~0ul, ~0ul) && !ranges_have(&r, ~0ul - 1, ~0ul) &&
	   ranges_add(&r, 1, ~0ul - 1) == 0 && r.nr == 1 && ranges_have(&r, 0, ~0ul) &&
	   ranges_remove(&r, 0, ~0ul) == 0 && r.nr == 0, "the ends of the line are ends");
	ok(ranges_add(&none, 1, 2) == -ENOMEM && !ranges_have(&none, 1, 1), "no room at all");
	return done();
}
