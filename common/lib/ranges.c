/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers: see isola/lib/ranges.h. Found by halving, since it is looked at in each access
 * of a guest's; changed by moving what is behind.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/lib/ranges.h>

/* The first range that ends at @n or behind it; nr: none does. */
static u32 find(const struct ranges *r, u64 n)
{
	u32 low = 0, high = r->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (r->range[mid].last < n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool ranges_have(const struct ranges *r, u64 first, u64 last)
{
	u32 i = find(r, first);

	return i < r->nr && r->range[i].first <= first && last <= r->range[i].last;
}

/* Ranges [i, i + old) become @new ones, which the caller fills. */
static int make_room(struct ranges *r, u32 i, u32 old, u32 new)
{
	if (!r->range || r->nr - old + new > RANGES_MAX)
		return -ENOMEM;
	memmove(&r->range[i + new], &r->range[i + old],
		(r->nr - i - old) * sizeof(r->range[0]));
	r->nr = r->nr - old + new;
	return 0;
}

int ranges_add(struct ranges *r, u64 first, u64 last)
{
	u32 i = find(r, first), at = i, old = 0;

	if (i < r->nr && r->range[i].first <= last)
		return -EEXIST;
	/* What it touches on either side becomes one with it. */
	if (i && r->range[i - 1].last + 1 == first) {
		at = i - 1;
		first = r->range[at].first;
		old++;
	}
	if (i < r->nr && last + 1 == r->range[i].first) {
		last = r->range[i].last;
		old++;
	}
	if (make_room(r, at, old, 1))
		return -ENOMEM;
	r->range[at] = (struct range){ first, last };
	return 0;
}

int ranges_remove(struct ranges *r, u64 first, u64 last)
{
	u32 i = find(r, first), new = 0;
	struct range was, left[2];

	if (!ranges_have(r, first, last))
		return -ENOENT;
	was = r->range[i];
	if (was.first < first)
		left[new++] = (struct range){ was.first, first - 1 };
	if (last < was.last)
		left[new++] = (struct range){ last + 1, was.last };
	if (make_room(r, i, 1, new))
		return -ENOMEM;
	memcpy(&r->range[i], left, new * sizeof(left[0]));
	return 0;
}
