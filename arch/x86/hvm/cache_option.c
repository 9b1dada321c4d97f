/* SPDX-License-Identifier: MIT */
/*
 * cache-tracking=: what a guest's WBINVD cleans. docs/command-line.md has the words.
 */
#include <isola/errno.h>
#include <isola/lib/cmdline.h>
#include <asm/cache_tracking.h>

u8 opt_cache_tracking = CACHE_NO;

bool cache_tracking_parse(const char *s, const char *end, u8 *mode)
{
	int is_on = cmdline_parse_bool(s, end);

	if (cmdline_is(s, end, "all"))
		*mode = CACHE_ALL;
	else if (cmdline_is(s, end, "touched") || is_on == 1)
		*mode = CACHE_TOUCHED;
	else if (is_on == 0)
		*mode = CACHE_NO;
	else
		return false;
	return true;
}

static int parse(const char *s)
{
	return cache_tracking_parse(*s ? s : "touched", NULL, &opt_cache_tracking) ? 0 : -EINVAL;
}
CMDLINE_CUSTOM("cache-tracking", parse);
