/* SPDX-License-Identifier: MIT */
/*
 * Formatted text, compared with the C library's printf where both speak, and with a table where
 * they differ.
 *
 * The source is included under other names, because it defines the C library's own.
 *
 * Sources:
 */
#include "tap.h"

#include <isola/lib/string.h>

#define vsnprintf isola_vsnprintf
#define snprintf isola_snprintf
#undef HOSTED
#include "common/lib/format.c"
#undef vsnprintf
#undef snprintf

/* One claim: the same text and value from both, in every size of buffer, and no byte beyond it. */
static __attribute__((format(printf, 2, 3))) void same(const char *want, const char *fmt, ...)
{
	char theirs[256], ours[256];
	va_list args, again;
	int len;

	va_start(args, fmt);
	if (want) {
		strcpy(theirs, want);
		len = (int)strlen(want);
	} else {
		va_copy(again, args);
		len = vsnprintf(theirs, sizeof(theirs), fmt, again);
		va_end(again);
	}
	for (size_t size = 0; size <= (size_t)len + 2; size++) {
		int got;

		memset(ours, '!', sizeof(ours));
		va_copy(again, args);
		got = isola_vsnprintf(ours, size, fmt, again);
		va_end(again);
		check(got == len, "value %d, not %d, for size %zu", got, len, size);
		check(ours[size] == '!', "a byte is written behind %zu", size);
		if (size)
			check(strlen(ours) == min((size_t)len, size - 1) &&
			      !strncmp(ours, theirs, size - 1), "\"%s\" in %zu bytes", ours, size);
	}
	va_end(args);
	all_ok(fmt);
}

/* Formats that a compiler would warn about. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

static void test_scnprintf(void)
{
	char buf[8];

	ok(scnprintf(buf, sizeof(buf), "%s", "abc") == 3, "scnprintf: all of it");
	ok(scnprintf(buf, sizeof(buf), "%s", "abcdefghijk") == 7 && !strcmp(buf, "abcdefg"),
	   "scnprintf: cut");
	ok(scnprintf(buf, 0, "%s", "abc") == 0, "scnprintf: no room at all");
	ok(isola_snprintf(buf, sizeof(buf), "%d-%s", 5, "x") == 3 && !strcmp(buf, "5-x"),
	   "snprintf");
}

int main(void)
{
	const char unended[3] = { 'a', 'b', 'c' };

	same(NULL, "");
	same(NULL, "plain text, 100%%");
	same(NULL, "%d %d %d %d", 0, 1, -1, INT32_MIN);
	same(NULL, "%i|%5d|%-5d|%05d|%+d|% d|%+5d", 3, 42, 42, 42, 42, 42, 42);
	same(NULL, "%05d|%-05d|%+05d|%.3d|%8.3d|%-8.3d|%08.3d", -42, -42, 42, 7, 7, 7, 7);
	same(NULL, "%.0d|%.0x|%.0u", 0, 0, 0);
	same(NULL, "%u %u %lu %llu %zu", 0U, UINT32_MAX, UINT64_MAX, ~0ULL, (size_t)12);
	same(NULL, "%ld %lld %jd %td %zd", INT64_MIN, -5LL, (intmax_t)-6, (ptrdiff_t)-7,
	     (ssize_t)-8);
	same(NULL, "%x %X %lx %llX %#x %#X %#x", 0xbeef, 0xbeef, 0x123456789abcdefUL, ~0ULL, 0x1f,
	     0x1f, 0);
	same(NULL, "%08x|%-8x|%8x|%#010x|%.6x|%016lx", 0xbeef, 0xbeef, 0xbeef, 0xbeef, 0xbeef,
	     0xffff8000UL);
	same(NULL, "%o|%#o|%5o|%05o", 8, 8, 8, 8);
	same(NULL, "%hd %hu %hhd %hhu %hhx %hx", 0x18000, 0x1ffff, 0x180, 0x1ff, 0x1ab, 0x1abcd);
	same(NULL, "%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	same(NULL, "%s|%6s|%-6s|%.2s|%6.2s|%-6.2s|%.0s|", "abc", "abc", "abc", "abc", "abc", "abc",
	     "abc");
	same(NULL, "%*d|%-*d|%*d|%.*d|%.*d", 5, 42, 5, 42, -5, 42, 4, 42, -4, 42);
	same(NULL, "%.*s", 3, unended);
	same(NULL, "%.3s", unended);
	same("(null)", "%s", NULL);
	same("0x00000000deadbeef|0x0000000000000000", "%p|%p", (void *)0xdeadbeefUL, NULL);
	same("  0x00000000deadbeef", "%20p", (void *)0xdeadbeefUL);
	same("%y 7", "%y %d", 7);
	same("tail %", "tail %");
	same("tail %-5.", "tail %-5.");
	same("tail %l", "tail %l");
	same("[%k]", "[%k]");
	test_scnprintf();

	char big[4096];
	ok(isola_snprintf(big, sizeof(big), "%99999d", 1) == 1024, "a wild width is held to 1024");
	ok(isola_snprintf(big, sizeof(big), "%*d", INT32_MIN, 1) == 1024,
	   "a wild negative width too");
	ok(isola_snprintf(big, sizeof(big), "%.*d", INT32_MAX, 1) == 1024, "a wild precision too");
	return done();
}
