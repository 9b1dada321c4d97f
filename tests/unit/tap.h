/* SPDX-License-Identifier: MIT */
/*
 * TAP: what every unit test reports with. One ok() is one claim; done() prints the plan and gives
 * the exit status. check() is for claims made by the thousand: it prints only on failure, and a
 * claim that counts it must follow.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* One of each in a program, however many of its files report. */
__attribute__((weak)) unsigned int tap_nr, tap_failed, tap_unchecked;

static inline __attribute__((format(printf, 2, 3))) bool ok(bool pass, const char *fmt, ...)
{
	va_list args;

	printf("%sok %u - ", pass ? "" : "not ", ++tap_nr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	tap_failed += !pass;
	return pass;
}

static inline __attribute__((format(printf, 2, 3))) bool check(bool pass, const char *fmt, ...)
{
	va_list args;

	if (pass)
		return true;
	if (tap_unchecked++ < 10) {
		printf("# failed: ");
		va_start(args, fmt);
		vprintf(fmt, args);
		va_end(args);
		printf("\n");
	}
	return false;
}

/* Close a run of check()s with one claim. */
static inline bool all_ok(const char *claim)
{
	bool pass = !tap_unchecked;

	tap_unchecked = 0;
	return ok(pass, "%s", claim);
}

static inline int done(void)
{
	if (tap_unchecked)
		ok(false, "%u failures that no claim counted", tap_unchecked);
	printf("1..%u\n", tap_nr);
	return tap_failed != 0;
}

/* The same numbers in every run: a failure found once is found again. */
__attribute__((weak)) uint64_t tap_random_state = 0x9e3779b97f4a7c15;

static inline uint64_t tap_random(void)
{
	uint64_t x = tap_random_state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return tap_random_state = x;
}
