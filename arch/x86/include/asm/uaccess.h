/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by guest virtual address, on the current vcpu's loaded root.
 *
 * Every access is range-checked against the hypervisor's slots (MEM-1: after adding the offset,
 * without overflow), bracketed by STAC/CLAC where SMAP is on, and guarded: a fault gives the number
 * of bytes not copied. The public form used by hypercalls returns 0 or -EFAULT; for a few words of
 * fixed size it is as many loads and stores, without a call or a string instruction.
 */
#pragma once

#include <isola/types.h>
#include <isola/errno.h>
#include <asm/extable.h>
#include <asm/layout.h>

/*
 * May [va, va+len) be touched on the guest's behalf? Canonical addresses outside the hypervisor's
 * range; the M2P is inside, as in Xen.
 */
bool guest_range_ok(u64 va, u64 len);

/* Bytes not copied; 0 = all. The destination of a failed copy_from is zero-filled for the rest. */
size_t __must_check raw_copy_from_guest(void *to, u64 from, size_t len);
size_t __must_check raw_copy_to_guest(u64 to, const void *from, size_t len);

/*
 * Hook: the memory of a guest whose addresses no root of ours shows (hvm/walk.c), to or from
 * @local. Only a copy that has failed asks. Bytes not copied; of @local they are zero if it is read
 * into.
 */
size_t __must_check uaccess_elsewhere(u64 guest, void *local, size_t len, bool write);

/* ---- Quadword by quadword -------------------------------------------------------------------- */

/* The C twin of frame.h's STAC and CLAC. */
#define SMAP_SITE(opcode)					\
	"661: .byte 0x0f, 0x1f, 0x00\n\t"			\
	".pushsection .smap_sites, \"a\", @progbits\n\t"	\
	".long 661b - .\n\t"					\
	".long " #opcode "\n\t"					\
	".popsection\n\t"
#define STAC SMAP_SITE(0xcb)
#define CLAC SMAP_SITE(0xca)

static inline void guest_access_begin(void) { asm volatile (STAC ::: "memory"); }
static inline void guest_access_end(void) { asm volatile (CLAC ::: "memory"); }

#define GUEST_WORDS_MAX 11u

/*
 * guest_range_ok() for a few words, by one comparison: counted from VA_HV_END, the upper half's
 * addresses are followed by the lower half's. What begins in the last word of the one and ends in
 * the first of the other is the guest's memory on both sides.
 */
static __always_inline bool guest_words_ok(u64 va, unsigned nr)
{
	return va - VA_HV_END <= (1ul << 47) - VA_HV_END - 8 * nr;
}

/*
 * Word @i of the guest's words at @va, between guest_access_begin() and _end(); a fault goes to
 * @label. (To memory: gcc 12 does not survive an asm goto with outputs.)
 */
#define guest_get_word(to, va, i, label) \
	asm goto volatile ("1: mov %c2(%1), %%rax\n\t" _ASM_EXTABLE(1b, %l[label]) \
			   "mov %%rax, %c2(%0)\n\t" \
			   :: "r"(to), "r"(va), "i"((i) * 8) : "rax", "memory" : label)
#define guest_put_word(val, va, i, label) \
	asm goto volatile ("1: movq %0, %c2(%1)\n\t" _ASM_EXTABLE(1b, %l[label]) \
			   :: "er"((u64)(val)), "r"(va), "i"((i) * 8) : "memory" : label)
/* The same for four bytes at @offset. */
#define guest_get_half(to, va, offset, label) \
	asm goto volatile ("1: mov %c2(%1), %%eax\n\t" _ASM_EXTABLE(1b, %l[label]) \
			   "mov %%eax, %c2(%0)\n\t" \
			   :: "r"(to), "r"(va), "i"(offset) : "rax", "memory" : label)
#define guest_put_half(val, va, offset, label) \
	asm goto volatile ("1: movl %0, %c2(%1)\n\t" _ASM_EXTABLE(1b, %l[label]) \
			   :: "er"((u32)(val)), "r"(va), "i"(offset) : "memory" : label)

/*
 * Several words at [va] into registers, in one asm statement: GUEST_LOADS_BEGIN, GUEST_LOAD()s
 * numbered from 1 to 6 or 9, GUEST_LOADS_END. Operands: each @to "=&r", [va] "r", [fault] "+r", a
 * u32 that was 0 and is 1 when a word is not there, or its translation stale (uaccess.c): then the
 * words are undefined and a copy has to be tried.
 */
#define GUEST_LOADS_BEGIN STAC
#define GUEST_LOAD(n, offset, to) \
	#n ": mov " #offset "(%[va]), %[" #to "]\n\t" _ASM_EXTABLE(n##b, 8f)
#define GUEST_LOADS_END						\
	"7:\n\t" CLAC						\
	".pushsection .text.unlikely, \"ax\"\n\t"		\
	"8: mov $1, %[fault]\n\t"				\
	"jmp 7b\n\t"						\
	".popsection\n\t"

/*
 * Copy by words and perhaps half of one, @len known to the compiler. 0 or -EFAULT; then what was
 * not copied is zero. (What touches the last word of the guest's range, or crosses its end, is for
 * the function to judge.)
 */
static __always_inline int copy_words_from_guest(void *to, u64 va, size_t len)
{
	if (unlikely(!guest_words_ok(va, DIV_ROUND_UP(len, 8))))
		goto slow;
	guest_access_begin();
#define WORD(i) if (len >= (i) * 8 + 8) guest_get_word(to, va, i, fault)
	WORD(0); WORD(1); WORD(2); WORD(3); WORD(4); WORD(5); WORD(6); WORD(7);
	WORD(8); WORD(9); WORD(10);
#undef WORD
	if (len % 8)
		guest_get_half(to, va, len - 4, fault);
	guest_access_end();
	return 0;
fault:
	guest_access_end();
slow:
	/* All over again: see "once more" in uaccess.c. */
	return raw_copy_from_guest(to, va, len) ? -EFAULT : 0;
}

/*
 * Two words into registers. 0 or -EFAULT. (The carry says whether both loads were carried out:
 * what goes to label 3 by a fault still has it set.)
 */
static __always_inline int __must_check get_guest_pair(u64 *first, u64 *second, u64 va)
{
	u64 pair[2];
#ifndef HOSTED
	bool fault;

	if (likely(guest_words_ok(va, 2))) {
		asm volatile (STAC "stc\n\t"
			      "1: mov (%[va]), %[first]\n\t"
			      "2: mov 8(%[va]), %[second]\n\t"
			      "clc\n\t"
			      "3: " CLAC _ASM_EXTABLE(1b, 3b) _ASM_EXTABLE(2b, 3b)
			      : [first] "=&r"(*first), [second] "=&r"(*second), "=@ccc"(fault)
			      : [va] "r"(va) : "memory");
		if (likely(!fault))
			return 0;
	}
#endif
	if (raw_copy_from_guest(pair, va, sizeof(pair)))
		return -EFAULT;
	*first = pair[0];
	*second = pair[1];
	return 0;
}

static __always_inline int copy_words_to_guest(u64 va, const void *from, size_t len)
{
	const u64 *words = from;

	if (unlikely(!guest_words_ok(va, DIV_ROUND_UP(len, 8))))
		goto slow;
	guest_access_begin();
#define WORD(i) if (len >= (i) * 8 + 8) guest_put_word(words[i], va, i, fault)
	WORD(0); WORD(1); WORD(2); WORD(3); WORD(4); WORD(5); WORD(6); WORD(7);
	WORD(8); WORD(9); WORD(10);
#undef WORD
	if (len % 8)
		guest_put_half(*(const u32 *)(from + len - 4), va, len - 4, fault);
	guest_access_end();
	return 0;
fault:
	guest_access_end();
slow:
	return raw_copy_to_guest(va, from, len) ? -EFAULT : 0;
}

#ifdef HOSTED
#define IS_WORDS(len) false
#else
#define IS_WORDS(len) \
	(__builtin_constant_p(len) && (len) && (len) % 4 == 0 && (len) <= 8 * GUEST_WORDS_MAX)
#endif

static __always_inline int __must_check copy_from_guest(void *to, u64 from, size_t len)
{
	if (IS_WORDS(len))
		return copy_words_from_guest(to, from, len);
	return raw_copy_from_guest(to, from, len) ? -EFAULT : 0;
}

static __always_inline int __must_check copy_to_guest(u64 to, const void *from, size_t len)
{
	if (IS_WORDS(len))
		return copy_words_to_guest(to, from, len);
	return raw_copy_to_guest(to, from, len) ? -EFAULT : 0;
}

/*
 * Element @i of a guest array of @size-byte elements at @base: its address, or a non-canonical one
 * when that overflows.
 */
static inline u64 guest_elem(u64 base, u64 i, u64 size)
{
	u64 off, va;

	if (__builtin_mul_overflow(i, size, &off) || __builtin_add_overflow(base, off, &va))
		return 1ul << 63;
	return va;
}
