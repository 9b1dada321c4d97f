/* SPDX-License-Identifier: MIT */
/* Cases in a process of their own each, because the sources that they test keep their state. */
#pragma once
#include "tap.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run @fn in a child; its points are counted here. A child that ends badly is a point, too. */
static inline void run_case(void (*fn)(void))
{
	unsigned *counts =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t child;

	counts[0] = tap_nr;
	counts[1] = tap_failed;
	fflush(stdout);
	child = fork();
	if (!child) {
		fn();
		if (tap_unchecked)
			all_ok("nothing else went wrong");
		counts[0] = tap_nr;
		counts[1] = tap_failed;
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	tap_nr = counts[0];
	tap_failed = counts[1];
	munmap(counts, 4096);
	if (status)
		ok(false, "a case ended with status %d", status);
}
