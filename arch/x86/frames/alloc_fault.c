/* SPDX-License-Identifier: MIT */
/*
 * Allocations refused on purpose: see isola/alloc_fault.h.
 */
#include <isola/alloc_fault.h>

/* How many allocations are to come, with the one that is refused; 0: it has been, or none is. */
static u32 left;
static bool was_refused;

bool alloc_fault(void)
{
	u32 n = READ_ONCE(left);

	while (n)
		if (__atomic_compare_exchange_n(&left, &n, n - 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST)) {
			if (n == 1)
				WRITE_ONCE(was_refused, true);
			return n == 1;
		}
	return false;
}

void alloc_fault_arm(u32 nth)
{
	WRITE_ONCE(was_refused, false);
	WRITE_ONCE(left, nth);
}

bool alloc_fault_disarm(void)
{
	WRITE_ONCE(left, 0);
	return READ_ONCE(was_refused);
}
