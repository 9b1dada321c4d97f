/* SPDX-License-Identifier: MIT */
/*
 * How a panic of the product's ends a hosted program: with "# panic: ", what it says, and abort().
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <isola/printk.h>
#include "panic.h"

void (*world_on_panic)(void);

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# panic: ");
	vprintf(fmt, args);
	printf("\n");
	if (world_on_panic)
		world_on_panic();
	fflush(stdout);
	abort();
}
