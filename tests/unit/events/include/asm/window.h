/* SPDX-License-Identifier: MIT */
/* Hosted window: who reaches for it must have its domain's kernel root loaded. */
#pragma once
#include <asm/percpu.h>
#define window_ptr	product_window_ptr
#include_next <asm/window.h>
#undef window_ptr

/* Panics unless the calling CPU may use the window now. machine.c */
void window_check(void);

static inline void *window_ptr(mfn_t m)
{
	window_check();
	return product_window_ptr(m);
}
