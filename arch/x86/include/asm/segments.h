/* SPDX-License-Identifier: MIT */
/*
 * Segment registers of the current vcpu: DS, ES, FS, GS and the three bases, at a context switch.
 *
 * In guest kernel mode MSR_GS_BASE is the kernel's and MSR_KERNEL_GS_BASE the user's; in user mode
 * the other way round.
 */
#pragma once

#include <isola/types.h>

/* Hardware -> this_vcpu. Interrupts off, v's kernel root. */
void segments_save(void);
/*
 * this_vcpu -> hardware. A selector that no longer loads becomes null and is noted in
 * this_vcpu.bad_selectors: the exit path then calls the guest's failsafe callback. Interrupts off,
 * v's kernel root (the descriptor tables are read).
 */
void segments_restore(void);

enum { BAD_DS = 1, BAD_ES = 2, BAD_FS = 4, BAD_GS = 8 };
