/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: printf's language without floating point, written into a caller's buffer.
 *
 * Understood: flags 0 - + space #, width and .precision (numbers or *), lengths hh h l ll z j t,
 * conversions d i u x X o p s c %. Anything else is copied as it stands. %p prints 0x and 16
 * digits, so that columns of addresses line up. %s of NULL prints (null); %.Ns reads no further
 * than N bytes.
 */
#pragma once
#include <isola/types.h>

#ifdef HOSTED

#include <stdio.h>

#else

/*
 * Write the text into @buf, cutting it to fit.
 *
 * @size     bytes at @buf, the NUL included; the text always ends in NUL unless @size is 0.
 * Returns   the length the whole text has, without the NUL: it was cut when that is >= @size.
 * Context   any, NMI and #MC included: no locks, no memory but @buf and the stack.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* As above, but returns the number of characters really in @buf: safe to advance a cursor by. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
