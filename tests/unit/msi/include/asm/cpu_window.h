/* SPDX-License-Identifier: MIT */
/* Hosted windows: msi_test.c shows the frames of its devices' memory, and no other. */
#pragma once
#include <isola/frame_num.h>
#include <asm/pgentry.h>

enum cpu_window { WINDOW_MSIX, NR_WINDOWS };
void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags);
void *cpu_window_ptr(enum cpu_window w);
