/* SPDX-License-Identifier: MIT */
/*
 * Masks of CPUs as the tools give and take them: struct xenctl_bitmap of <xen/domctl.h>.
 */
#pragma once

#include <isola/lib/bitmap.h>
#include <generated/autoconf.h>

struct xenctl_bitmap;

typedef unsigned long cpu_mask[BITMAP_LONGS(CONFIG_NR_CPUS)];

/* Bytes, the lowest CPU first; who has room for more gets a byte of zeros behind. 0, -EFAULT. */
long cpu_mask_to_guest(const struct xenctl_bitmap *to, const unsigned long *mask);
/* CPUs beyond those that are named are not meant. 0, -EFAULT. */
long cpu_mask_from_guest(const struct xenctl_bitmap *from, unsigned long *mask);
