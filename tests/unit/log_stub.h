/* SPDX-License-Identifier: MIT */
/* The hypervisor's log as a text that a hosted test can look at: lines, each ended by '\n'. */
#pragma once

#include <isola/printk.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char log_text[8192];

void printk_level(enum log_level level, bool about_guest,
		  const char *fmt, ...)
{
	size_t at = strlen(log_text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(log_text + at, sizeof(log_text) - at - 1, fmt, args);
	va_end(args);
	strcat(log_text, "\n");
}
