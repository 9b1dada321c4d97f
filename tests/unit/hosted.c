/* SPDX-License-Identifier: MIT */
/* Hosted stand-ins: what the sources under test take from us and the C library does not have. */
#include <isola/lib/string.h>

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		memcpy(dst, src, min(len, size - 1));
		dst[min(len, size - 1)] = '\0';
	}
	return len;
}
