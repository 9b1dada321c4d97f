/* SPDX-License-Identifier: MIT */
/*
 * Indices that a guest chose, under speculation: a bounds check alone does not stop the CPU from
 * reading beyond the table before it knows the check's result (SPC-4, XSA-254 variant 1).
 */
#pragma once

#include <isola/types.h>

/*
 * @index if it is below @size, else another index that is, computed without a branch. Use after the
 * bounds check and before the access. Where @size is a constant power of two, one instruction,
 * hidden from the compiler, which would take the mask away behind the check.
 */
static __always_inline u64 index_nospec(u64 index, u64 size)
{
	u64 mask;

	if (__builtin_constant_p(size) && size && !(size & (size - 1))) {
		__asm__ __volatile__("and %1, %0" : "+r"(index) : "er"(size - 1) : "cc");
		return index;
	}
	/*
	 * CMP sets the carry exactly when index < size; SBB makes it a mask that speculation cannot
	 * guess.
	 */
	__asm__ __volatile__("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(index), "er"(size) : "cc");
	return index & mask;
}
