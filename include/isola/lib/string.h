/* SPDX-License-Identifier: MIT */
/*
 * Strings and blocks of bytes, with the C standard's meanings.
 *
 * The compiler emits calls to memcpy, memmove, memset and memcmp by itself. A hosted test uses the
 * C library's functions, which the sanitizers know; only strlcpy, which not every C library has, is
 * ours there.
 */
#pragma once
#include <isola/types.h>

#ifdef HOSTED

#include <string.h>
#define strlcpy isola_strlcpy

#else

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *what);

#endif

/*
 * Copy the string @src into @dst, cutting it to fit.
 *
 * @size     bytes at @dst, the NUL included; 0 writes nothing.
 * Returns   strlen(@src): the copy was cut when that is >= @size.
 */
size_t strlcpy(char *dst, const char *src, size_t size);
