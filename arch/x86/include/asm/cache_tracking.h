/* SPDX-License-Identifier: MIT */
/*
 * What is cleaned when an HVM guest has its caches cleaned (WBINVD, INVD).
 */
#pragma once

#include <isola/types.h>

enum cache_tracking {
	CACHE_NO,		/* nothing: no device bypasses caches */
	CACHE_ALL,		/* all its pages */
	CACHE_TOUCHED,		/* those that it has touched since the last time */
};

/* What domains get that ask for nothing: cache-tracking=. */
extern u8 opt_cache_tracking;
/* A value of the option, or of a static domain's word. @end NULL: up to the NUL. False: none. */
bool cache_tracking_parse(const char *s, const char *end, u8 *mode);
