/* SPDX-License-Identifier: MIT */
/*
 * Text and memory helpers of the selftest guest. No state but the console itself.
 */
#include "text.h"
#include "console.h"

void *memset(void *dst, int byte, size_t n)
{
	void *p = dst;

	asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(byte) : "memory");
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	void *p = dst;

	asm volatile("rep movsb" : "+D"(p), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
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
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

const char *strstr(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text; text++)
		if (!strncmp(text, part, n))
			return text;
	return NULL;
}

/* A bounded string under construction: @used counts what was stored, never more than @size - 1. */
struct sink {
	char *buf;
	size_t size, used;
};

static void put(struct sink *s, char c)
{
	if (s->used + 1 < s->size)
		s->buf[s->used++] = c;
}

static void put_padded(struct sink *s, const char *text, size_t len, size_t width, char pad)
{
	for (; width > len; width--)
		put(s, pad);
	while (len--)
		put(s, *text++);
}

static void put_number(struct sink *s, uint64_t value, bool negative, unsigned int base,
		       size_t width, char pad)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[--n] = '-';
	put_padded(s, digits + n, sizeof(digits) - n, width, pad);
}

size_t format_v(char *buf, size_t size, const char *f, va_list args)
{
	struct sink s = { buf, size, 0 };

	for (; *f; f++) {
		size_t width = 0;
		char pad = ' ';
		bool wide = false;
		int64_t v;

		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		if (*++f == '0')
			pad = '0';
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (size_t)(*f - '0');
		for (; *f == 'l'; f++)
			wide = true;
		switch (*f) {
		case 's': {
			const char *text = va_arg(args, const char *);

			put_padded(&s, text, strlen(text), width, pad);
			break;
		}
		case 'c':
			put(&s, (char)va_arg(args, int));
			break;
		case 'd':
			v = wide ? va_arg(args, int64_t) : va_arg(args, int);
			put_number(&s, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10, width, pad);
			break;
		case 'u':
		case 'x':
			put_number(&s, wide ? va_arg(args, uint64_t) : va_arg(args, uint32_t),
				   false, *f == 'x' ? 16 : 10, width, pad);
			break;
		case 'p':
			put_number(&s, va_arg(args, uint64_t), false, 16, 16, '0');
			break;
		default:
			put(&s, *f);
		}
	}
	if (size)
		buf[s.used] = 0;
	return s.used;
}

size_t format(char *buf, size_t size, const char *f, ...)
{
	va_list args;
	size_t n;

	va_start(args, f);
	n = format_v(buf, size, f, args);
	va_end(args);
	return n;
}

void print(const char *f, ...)
{
	char line[400];
	va_list args;
	size_t n;

	va_start(args, f);
	n = format_v(line, sizeof(line), f, args);
	va_end(args);
	console_write(line, n);
}
