/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by guest virtual address, on the current vcpu's loaded root.
 *
 * Every access is range-checked against the hypervisor's slots (MEM-1: after adding the offset, without overflow), bracketed by
 * STAC/CLAC where SMAP is on, and guarded: a fault gives the number of bytes not copied.
 * The public form used by hypercalls returns 0 or -EFAULT.
 */
#pragma once

#include <isola/types.h>
#include <isola/errno.h>

/* May [va, va+len) be touched on the guest's behalf? Canonical addresses outside the hypervisor's range; the M2P is inside, as in Xen. */
bool guest_range_ok(u64 va, u64 len);

/* Bytes not copied; 0 = all. The destination of a failed copy_from is zero-filled for the rest. */
size_t __must_check raw_copy_from_guest(void *to, u64 from, size_t len);
size_t __must_check raw_copy_to_guest(u64 to, const void *from, size_t len);

static inline int __must_check copy_from_guest(void *to, u64 from, size_t len)
{
	return raw_copy_from_guest(to, from, len) ? -EFAULT : 0;
}

static inline int __must_check copy_to_guest(u64 to, const void *from, size_t len)
{
	return raw_copy_to_guest(to, from, len) ? -EFAULT : 0;
}

/* Element @i of a guest array of @size-byte elements at @base: its address, or a non-canonical one when that overflows. */
static inline u64 guest_elem(u64 base, u64 i, u64 size)
{
	u64 off, va;

	if (__builtin_mul_overflow(i, size, &off) || __builtin_add_overflow(base, off, &va))
		return 1ul << 63;
	return va;
}
