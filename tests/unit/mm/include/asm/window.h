/* SPDX-License-Identifier: MIT */
/*
 * Hosted window: the product's. In the race program (race.c) turns may also change where a step of
 * a walk begins: its guarded load is assembler text, at which the sanitizer does not look. So may
 * the tables in the program of shadows (shadow.c).
 */
#pragma once
#if defined(__SANITIZE_THREAD__) || defined(TABLES_CHANGE)
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
