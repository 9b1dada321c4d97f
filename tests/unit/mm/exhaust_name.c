/* SPDX-License-Identifier: MIT */
/*
 * One name for all renamings: frames are interchangeable, and so are states that differ by which
 * frame is which.
 */
#include <string.h>
#include <asm/page_type.h>
#include "exhaust.h"

/* What can be said of each frame without naming another. */
static void colours(const struct state *s, u64 *colour)
{
	for (unsigned f = 1; f <= N; f++) {
		const u8 *c = (const u8 *)&s->frame[f - 1];

		colour[f] = mix(c[0] | c[1] << 8 | c[2] << 16 | (u64)c[3] << 24,
				(s->kernel_l4 == f) | (s->user_l4 == f) << 1 |
					(s->parked == f) << 2 | (s->gdt == f) << 3 |
					(s->tlb_frame == f ? 1 + s->tlb_use : 0) << 4);
	}
	for (unsigned round = 0; round < 2; round++) {
		u64 next[N + 1];

		memcpy(next, colour, sizeof(next));
		for (unsigned f = 1; f <= N; f++)
			for (unsigned i = 0; i < 2; i++) {
				u8 e = s->frame[f - 1].entry[i];

				if (e == 0 || e >= E_BAD) {
					next[f] = mix(next[f], e);
					continue;
				}
				next[f] = mix(next[f], colour[e >> 1] + (e & 1));
				next[e >> 1] += mix(colour[f], 4 + 2 * i + (e & 1));
			}
		memcpy(colour, next, sizeof(next));
	}
}

static u8 renamed(u8 e, const u8 *name)
{
	return e == 0 || e >= E_BAD ? e : name[e >> 1] << 1 | (e & 1);
}

static void rename_frames(const struct state *s, const u8 *name, struct state *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned f = 1; f <= N; f++) {
		typeof(&out->frame[0]) c = &out->frame[name[f] - 1];

		*c = s->frame[f - 1];
		c->entry[0] = renamed(c->entry[0], name);
		c->entry[1] = renamed(c->entry[1], name);
	}
	out->kernel_l4 = name[s->kernel_l4];
	out->user_l4 = name[s->user_l4];
	out->parked = name[s->parked];
	out->gdt = name[s->gdt];
	out->tlb_frame = name[s->tlb_frame];
	out->tlb_use = s->tlb_use;
	out->handle = s->handle;
}

static bool next_permutation(u8 *a, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i && a[i - 1] >= a[i])
		i--;
	if (!i)
		return false;
	while (a[j] <= a[i - 1])
		j--;
	u8 t = a[i - 1];
	a[i - 1] = a[j], a[j] = t;
	for (unsigned k = n - 1; i < k; i++, k--)
		t = a[i], a[i] = a[k], a[k] = t;
	return true;
}

/*
 * Frames by rising colour; among those of one colour every order, and the smallest of what comes
 * out. An order missed would only keep one state twice.
 */
void canonical(struct state *s)
{
	u64 colour[N + 1];
	u8 order[N], rank[N], name[N + 1] = { 0 };
	struct state best, other;
	bool ties = false, first = true;

	colours(s, colour);
	for (unsigned f = 1; f <= N; f++) {
		unsigned i = f - 1;

		for (; i && colour[order[i - 1]] > colour[f]; i--)
			order[i] = order[i - 1];
		order[i] = f;
	}
	for (unsigned i = 0; i < N; i++) {
		rank[i] = i && colour[order[i - 1]] == colour[order[i]] ? rank[i - 1] : i;
		ties |= rank[i] != i &&
			(is_table(page_of(_mfn(order[i]))) || s->frame[order[i] - 1].general > 0);
	}
	u8 perm[N];
	for (unsigned i = 0; i < N; i++)
		perm[i] = i;
	do {
		bool fits = true;

		for (unsigned i = 0; i < N && fits; i++)
			fits = rank[perm[i]] == rank[i];
		if (!fits)
			continue;
		for (unsigned i = 0; i < N; i++)
			name[order[perm[i]]] = i + 1;
		rename_frames(s, name, &other);
		if (first || memcmp(&other, &best, sizeof(best)) < 0)
			best = other;
		first = false;
	} while (ties && next_permutation(perm, N));
	*s = best;
}
