/* SPDX-License-Identifier: MIT */
/*
 * The memory window: slots 262..271. Machine address m of the loaded domain stands at VA_WINDOW +
 * m. asi on: its own frames only. asi off (vcpu-pt=no): all RAM. The formula is the same, so there
 * is one code path.
 *
 * Rule (docs/memory-layout.md): touch window_ptr(F) only while holding a reference on F.
 */
#pragma once

#include <isola/frame_num.h>
#include <asm/layout.h>

/*
 * Where frame @m of the *loaded* domain stands. Kernel roots (and the boot root) only: the user
 * root has no window.
 */
static inline void *window_ptr(mfn_t m) { return (void *)(VA_WINDOW + (mfn_x(m) << PAGE_SHIFT)); }
static inline mfn_t window_mfn(const void *p) { return _mfn(((u64)p - VA_WINDOW) >> PAGE_SHIFT); }
