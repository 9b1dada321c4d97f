/* SPDX-License-Identifier: MIT */
/*
 * Strings and blocks of bytes, compared with the C library's over every small length, offset and
 * overlap.
 *
 * The source is included under other names, because it defines the C library's own. Its REP
 * instructions are out of the sanitizer's sight, so every write is checked by guard bytes.
 *
 * Sources:
 */
#include "tap.h"

#include <string.h>

#define memcpy isola_memcpy
#define memmove isola_memmove
#define memset isola_memset
#define memcmp isola_memcmp
#define memchr isola_memchr
#define strlen isola_strlen
#define strnlen isola_strnlen
#undef strcmp
#define strcmp isola_strcmp
#undef strncmp
#define strncmp isola_strncmp
#define strchr isola_strchr
#define strstr isola_strstr
#define strlcpy isola_real_strlcpy
#undef HOSTED
#include "common/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strstr

#define N 80

static void fill(unsigned char *p)
{
	for (int i = 0; i < N; i++)
		p[i] = (unsigned char)(i * 7 + 1);
}

static void test_blocks(void)
{
	unsigned char a[N], b[N];

	for (size_t n = 0; n < 34; n++) {
		for (size_t to = 0; to < 40; to += 3) {
			for (size_t from = 0; from < 40; from++) {
				fill(a);
				fill(b);
				check(isola_memmove(a + to, a + from, n) == a + to,
				      "memmove's value");
				memmove(b + to, b + from, n);
				check(!memcmp(a, b, N), "memmove %zu from %zu to %zu", n, from, to);
			}
		}
	}
	all_ok("memmove: every overlap of up to 33 bytes, nothing else touched");

	for (size_t n = 0; n < 34; n++) {
		for (size_t to = 0; to < 9; to++) {
			unsigned char source[N];

			fill(a);
			fill(b);
			for (int i = 0; i < N; i++)
				source[i] = (unsigned char)~i;
			check(isola_memcpy(a + to, source, n) == a + to, "memcpy's value");
			memcpy(b + to, source, n);
			check(!memcmp(a, b, N), "memcpy %zu to %zu", n, to);
			check(isola_memset(a + to, 0x1a5, n) == a + to, "memset's value");
			memset(b + to, 0xa5, n);
			check(!memcmp(a, b, N), "memset %zu to %zu", n, to);
		}
	}
	all_ok("memcpy and memset: lengths 0 to 33 at offsets 0 to 8");
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_compare(void)
{
	static const char *const words[] = { "",       "a",     "b",   "ab",   "abc",   "abd",
					     "ab\377", "b\200", "aab", "aaab", "caaab", "a,b" };
	const size_t nr = sizeof(words) / sizeof(words[0]);

	for (size_t i = 0; i < nr; i++) {
		const char *p = words[i];

		check(isola_strlen(p) == strlen(p), "strlen(%s)", p);
		for (size_t n = 0; n < 6; n++)
			check(isola_strnlen(p, n) == strnlen(p, n), "strnlen(%s, %zu)", p, n);
		for (const char *c = "abcx\377"; ; c++) {
			check(isola_strchr(p, *c) == strchr(p, *c), "strchr(%s, %d)", p, *c);
			check(isola_memchr(p, *c, strlen(p)) == memchr(p, *c, strlen(p)),
			      "memchr %d", *c);
			if (!*c)
				break;
		}
		for (size_t j = 0; j < nr; j++) {
			const char *q = words[j];

			check(sign(isola_strcmp(p, q)) == sign(strcmp(p, q)), "strcmp(%s, %s)", p,
			      q);
			check(isola_strstr(p, q) == strstr(p, q), "strstr(%s, %s)", p, q);
			for (size_t n = 0; n < 6; n++) {
				check(sign(isola_strncmp(p, q, n)) == sign(strncmp(p, q, n)),
				      "strncmp(%s, %s, %zu)", p, q, n);
				if (n <= strlen(p) + 1 && n <= strlen(q) + 1)
					check(sign(isola_memcmp(p, q, n)) == sign(memcmp(p, q, n)),
					      "memcmp(%s, %s, %zu)", p, q, n);
			}
		}
	}
	all_ok("comparisons and searches agree with the C library's");
}

static void test_strlcpy(void)
{
	for (size_t len = 0; len < 8; len++) {
		for (size_t size = 0; size < 10; size++) {
			char source[16] = "", to[16];

			memset(source, 'x', len);
			memset(to, '!', sizeof(to));
			check(strlcpy(to, source, size) == len, "strlcpy's value");
			if (size) {
				size_t n = len < size - 1 ? len : size - 1;

				check(strlen(to) == n && !memcmp(to, source, n),
				      "strlcpy %zu in %zu", len, size);
				check(to[n + 1] == '!', "strlcpy %zu in %zu writes too much", len,
				      size);
			} else {
				check(to[0] == '!', "strlcpy with no room writes");
			}
		}
	}
	all_ok("strlcpy: cut to fit, always ended, nothing behind the end");
}

int main(void)
{
	test_blocks();
	test_compare();
	test_strlcpy();
	return done();
}
