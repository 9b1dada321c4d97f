/* SPDX-License-Identifier: MIT */
/*
 * Unpacking a kernel before a domain is built from it. The hypervisor never reads what is packed
 * beyond the first bytes that say so: an unprivileged domain does (unpack/), made for that one
 * module and destroyed when the kernel has been loaded. What it hands back is read as any module
 * is. Boot root, no other domain has begun.
 */
#pragma once

#include <isola/frame_num.h>

struct build_plan;

/*
 * Find the file of p->kernel: the module itself or, if that is packed, what is in it. In the second
 * case this does not return at first: the boot root is left for the unpacker, and @again is called
 * on it later, on an empty stack, to come here once more. What cannot be unpacked: fatal().
 */
void unpack_kernel(struct build_plan *p, void (*again)(void));
/*
 * What was found takes the module's place, in one piece, so that it can be kept; p->image is there.
 * fatal()
 */
void unpack_into_module(struct build_plan *p);
/* What was found has been loaded: the unpacker's domain goes, if there was one. */
void unpack_done(void);
/* How many pages it keeps from being free. */
u64 unpack_nr_pages(void);

/* Frames of any place side by side at VA_UNPACKED, to be read; false: no memory. */
bool __must_check unpack_view_make(const mfn_t *frame, u64 nr);
void unpack_view_clear(void);
