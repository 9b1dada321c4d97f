/* SPDX-License-Identifier: MIT */
/*
 * What the decoders' libraries want of a C library. All their memory is the room's: nothing that
 * takes it elsewhere is ever called.
 */
#include <stddef.h>
#include <string.h>

void __stack_chk_fail(void) __attribute__((noreturn));
void no_old_format(void);
void *malloc(size_t bytes);
void *calloc(size_t n, size_t bytes);
void free(void *p);

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;
	size_t words = n / 8;

	asm volatile ("rep movsq" : "+D"(d), "+S"(from), "+c"(words) :: "memory");
	n %= 8;
	asm volatile ("rep movsb" : "+D"(d), "+S"(from), "+c"(n) :: "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	char *d = (char *)to + n - 1;
	const char *s = (const char *)from + n - 1;

	if ((size_t)((char *)to - (const char *)from) >= n)
		return memcpy(to, from, n);
	asm volatile ("std\n	rep movsb\n	cld" : "+D"(d), "+S"(s), "+c"(n) :: "memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *d = to;

	asm volatile ("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a == *b && *a; n--)
		a++, b++;
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

void *malloc(size_t bytes)
{
	(void)bytes;
	return NULL;
}

void *calloc(size_t n, size_t bytes)
{
	(void)n;
	(void)bytes;
	return NULL;
}

void free(void *p)
{
	(void)p;
}

void __stack_chk_fail(void)
{
	__builtin_trap();
}

/*
 * Formats of before zstd 0.8, which Debian's library reads too and no kernel has, are not linked:
 * the magic number that brings a file to libzstd rules them out.
 */
void no_old_format(void)
{
	__builtin_trap();
}

#define NOT_LINKED(name) void name(void) __attribute__((alias("no_old_format")))
#define NO_ZSTD(version)						\
	NOT_LINKED(ZSTD ## version ## _createDCtx);			\
	NOT_LINKED(ZSTD ## version ## _freeDCtx);			\
	NOT_LINKED(ZSTD ## version ## _getFrameParams);			\
	NOT_LINKED(ZSTD ## version ## _decompress_usingDict);		\
	NOT_LINKED(ZSTD ## version ## _findFrameSizeInfoLegacy);	\
	NOT_LINKED(ZBUFF ## version ## _createDCtx);			\
	NOT_LINKED(ZBUFF ## version ## _freeDCtx);			\
	NOT_LINKED(ZBUFF ## version ## _decompressInitDictionary);	\
	NOT_LINKED(ZBUFF ## version ## _decompressContinue)
NO_ZSTD(v05);
NO_ZSTD(v06);
NO_ZSTD(v07);
