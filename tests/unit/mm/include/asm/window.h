/* SPDX-License-Identifier: MIT */
/*
 * Hosted window: the product's. In the race program (race.c) turns may also change where a step of
 * a walk begins: its guarded load is assembler text, at which the sanitizer does not look.
 */
#pragma once
#ifdef __SANITIZE_THREAD__
#define window_ptr product_window_ptr
#include_next <asm/window.h>
#undef window_ptr
void race_point(mfn_t m);
static inline void *window_ptr(mfn_t m)
{
	race_point(m);
	return product_window_ptr(m);
}
#else
#include_next <asm/window.h>
#endif
