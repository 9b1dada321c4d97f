/* SPDX-License-Identifier: MIT */
/*
 * Ends: what is to end the machine is tried, and comes back here. The hosted sources' panic(), for
 * tests of one thread; one that nobody waits for ends the test.
 */
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <isola/printk.h>

static jmp_buf ends_back;
static bool ends_wanted;

void panic(const char *fmt, ...)
{
	if (!ends_wanted) {
		printf("# failed: panic: %s\n", fmt);
		exit(1);
	}
	longjmp(ends_back, 1);
}

/* Does @claim end the machine? */
#define ENDS(claim)                                     \
	({                                              \
		volatile bool ends_did = true;          \
		ends_wanted = true;                     \
		if (!setjmp(ends_back)) {               \
			claim;                          \
			ends_did = false;               \
		}                                       \
		ends_wanted = false;                    \
		ends_did;                               \
	})
