/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by guest virtual address. The copy itself is one REP MOVS whose fault is forgiven by
 * the exception table.
 *
 * What faults is tried once more: a guest that has made an entry more permissive need not flush,
 * because the fault itself drops the stale translation (SDM vol. 3 §4.10.4.3), and neither need we
 * believe it.
 */
#include <asm/extable.h>
#include <asm/layout.h>
#include <asm/uaccess.h>

bool guest_range_ok(u64 va, u64 len)
{
	u64 end;

	if (__builtin_add_overflow(va, len, &end))
		return false;
	if (end <= 1ul << 47)
		return true;
	return va >= VA_HV_END;
}

/*
 * Quadwords, then the odd bytes. A fault in the first loop leaves rcx quadwords: the rest of the
 * length is computed from them.
 */
static size_t guarded_copy(void *to, const void *from, size_t len)
{
	size_t left = len / 8, tail = len % 8;

	asm volatile (STAC "1: rep movsq\n\t"
			  "mov %[tail], %[left]\n\t"
			  "2: rep movsb\n\t"
			  "jmp 4f\n\t"
			  "3: lea (%[tail], %[left], 8), %[left]\n\t"
			  "4:\n\t" CLAC _ASM_EXTABLE(1b, 3b) _ASM_EXTABLE(2b, 4b)
		     : [left] "+c"(left), "+D"(to), "+S"(from)
		     : [tail] "r"(tail)
		     : "memory", "cc");
	return left;
}

static __always_inline size_t try_copy(void *to, const void *from, size_t len)
{
	size_t left = guarded_copy(to, from, len);

	if (left)
		left = guarded_copy(to + len - left, from + len - left, left);
	return left;
}

size_t raw_copy_from_guest(void *to, u64 from, size_t len)
{
	size_t left = guest_range_ok(from, len) ? try_copy(to, (const void *)from, len) : len;

	return left ? uaccess_elsewhere(from + len - left, to + len - left, left, false) : 0;
}

size_t raw_copy_to_guest(u64 to, const void *from, size_t len)
{
	size_t left = guest_range_ok(to, len) ? try_copy((void *)to, from, len) : len;

	return left ? uaccess_elsewhere(to + len - left, (void *)from + len - left, left, true) : 0;
}
