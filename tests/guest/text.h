/* SPDX-License-Identifier: MIT */
/*
 * Text and memory helpers of the selftest guest, and its one output: lines on the hypervisor's
 * console.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memset(void *dst, int byte, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
const char *strstr(const char *text, const char *part);

/*
 * Format into @buf, always terminated, cut at @size. Understands %s %c %d %u %x %p %%, the length
 * "l", a field width and a leading 0. Returns the number of characters stored, without the
 * terminator.
 */
size_t format_v(char *buf, size_t size, const char *format, va_list args);
size_t format(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print one formatted piece of text (at most 400 characters) to the console. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
