/* SPDX-License-Identifier: MIT */
/* Hosted guest memory: the test's own. */
#pragma once
#include <isola/types.h>
#include <string.h>

static inline int copy_from_guest(void *to, u64 from, size_t n)
{
	memcpy(to, (void *)from, n);
	return 0;
}

static inline int copy_to_guest(u64 to, const void *from, size_t n)
{
	memcpy((void *)to, from, n);
	return 0;
}

static inline bool guest_range_ok(u64 va, u64 n) { return va + n >= va; }
