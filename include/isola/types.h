/* SPDX-License-Identifier: MIT */
/*
 * Types: the words every other file is written in, and nothing that has behaviour.
 *
 * u64 is unsigned long, so %lx prints it. The file stands alone: only the compiler's own
 * freestanding headers are used, and it means the same in the hypervisor and in a hosted test
 * (-DHOSTED).
 */
#pragma once

#ifdef __ASSEMBLY__

#define BIT(n)		(1 << (n))

#else /* !__ASSEMBLY__ */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long u64;

typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long s64;

/* The C11 spelling, without <assert.h>; always with the sentence that says what broke. */
#ifndef static_assert
#define static_assert	_Static_assert
#endif

static_assert(sizeof(u64) == 8 && sizeof(uint64_t) == 8, "this is LP64 code");

#define KIB(n)		((u64)(n) << 10)
#define MIB(n)		((u64)(n) << 20)
#define GIB(n)		((u64)(n) << 30)

#define BIT(n)		(1UL << (n))

#define ARRAY_SIZE(a)							\
	(sizeof(a) / sizeof((a)[0]) +					\
	 0 * sizeof(struct { int not_an_array:				\
		1 - 2 * __builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])); }))

#define container_of(ptr, type, member) ({				\
	const __typeof__(((type *)0)->member) *member_ptr_ = (ptr);	\
	(type *)((uintptr_t)member_ptr_ - offsetof(type, member)); })

/* Each argument is evaluated once; comparing different types is refused by the compiler. */
#define min(a, b) ({							\
	__typeof__(a) min_a_ = (a);					\
	__typeof__(b) min_b_ = (b);					\
	(void)(&min_a_ == &min_b_);					\
	min_a_ < min_b_ ? min_a_ : min_b_; })
#define max(a, b) ({							\
	__typeof__(a) max_a_ = (a);					\
	__typeof__(b) max_b_ = (b);					\
	(void)(&max_a_ == &max_b_);					\
	max_a_ > max_b_ ? max_a_ : max_b_; })
#define min_t(type, a, b)	({ type mt_a_ = (a), mt_b_ = (b); mt_a_ < mt_b_ ? mt_a_ : mt_b_; })
#define max_t(type, a, b)	({ type mt_a_ = (a), mt_b_ = (b); mt_a_ > mt_b_ ? mt_a_ : mt_b_; })

/* @to is a power of two; the result has the type of @x. ROUNDUP wraps at the top: check first. */
#define ROUNDDOWN(x, to)	((x) & ~((__typeof__(x))(to) - 1))
#define ROUNDUP(x, to)		ROUNDDOWN((x) + ((__typeof__(x))(to) - 1), to)
#define IS_ALIGNED(x, to)	(((x) & ((__typeof__(x))(to) - 1)) == 0)
#define DIV_ROUND_UP(x, by)	(((x) + (by) - 1) / (by))

/* The C library may have its own idea of these in a hosted build; ours are the same thing. */
#undef __always_inline
#undef __packed
#undef __aligned
#undef __noreturn
#undef __must_check
#undef __section
#undef __maybe_unused
#undef __used

#define __always_inline		inline __attribute__((__always_inline__))
#define __noinline		__attribute__((__noinline__))
#define __packed		__attribute__((__packed__))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __noreturn		__attribute__((__noreturn__))
#define __must_check		__attribute__((__warn_unused_result__))
#define __section(name)		__attribute__((__section__(name)))
#define __maybe_unused		__attribute__((__unused__))
#define __used			__attribute__((__used__))
#define __printf(fmt, args)	__attribute__((__format__(__printf__, fmt, args)))
#define __fallthrough		__attribute__((__fallthrough__))

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

/* Stops the compiler, not the CPU, from moving memory accesses across this line. */
#define barrier()		__asm__ __volatile__("" ::: "memory")

/* One access, of the object's own size, that the compiler may neither repeat nor invent. */
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val)	(*(volatile __typeof__(x) *)&(x) = (val))

#endif /* __ASSEMBLY__ */
