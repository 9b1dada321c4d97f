/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers, as ranges in order that neither overlap nor touch. Pure: it builds hosted as
 * is.
 */
#pragma once

#include <isola/types.h>

#define RANGES_MAX 256u

struct range { u64 first, last; };

/* Room for RANGES_MAX at .range, or NULL: it is empty, and nothing can be added. */
struct ranges {
	u32 nr;
	struct range *range;
};

/* Are all of @first to @last in it? */
bool ranges_have(const struct ranges *r, u64 first, u64 last);
/* -EEXIST: one of them is in it; -ENOMEM: it would be of too many ranges. @first <= @last. */
int __must_check ranges_add(struct ranges *r, u64 first, u64 last);
/* -ENOENT: one of them is not in it; -ENOMEM: the same. */
int __must_check ranges_remove(struct ranges *r, u64 first, u64 last);
