/* SPDX-License-Identifier: MIT */
/* Hosted windows: ioapic_test.c shows the two words of the I/O APIC that the window names. */
#pragma once
#include <isola/frame_num.h>
#include <asm/pgentry.h>

enum cpu_window { WINDOW_IOAPIC, NR_WINDOWS };
void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags);
void *cpu_window_ptr(enum cpu_window w);
