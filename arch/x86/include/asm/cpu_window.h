/* SPDX-License-Identifier: MIT */
/*
 * CPU windows: 16 single-page mappings in this CPU's area, on every root of this CPU, usable with
 * any context loaded. One owner each; interrupt-safe by ownership, not by a lock.
 */
#pragma once

#include <asm/layout.h>
#include <asm/pgentry.h>

enum cpu_window {
	WINDOW_APIC,                    /* permanent: the xAPIC page */
	/* zeroing or flushing a frame that no window need show; task context only */
	WINDOW_SCRUB,
	WINDOW_BOOT,                    /* the HPET, at boot; what a reset writes, at the end */
	/* the guest L4 of a vcpu that is switched in; interrupts off */
	WINDOW_ROOT,
	WINDOW_IOAPIC,                  /* the one used last; gsi_lock held, interrupts off */
	WINDOW_MSIX,                    /* the table used last; gsi_lock held, interrupts off */
	WINDOW_MMCFG,                   /* a function's configuration; interrupts off */
	WINDOW_INPUT,                   /* what is typed goes to its place; interrupts off */
};

static inline void *cpu_window_ptr(enum cpu_window w)
{
	return (void *)(VA_CPU_WINDOW + ((u64)w << PAGE_SHIFT));
}
void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags);
void cpu_window_unmap(enum cpu_window w);

/* Zero frame @m, of which nobody holds a reference and which no root maps. Task context. */
void scrub_frame(mfn_t m);
/*
 * Write back and forget what any CPU's caches hold of frame @m (COH-2): caches and memory agree
 * then, unless somebody can still store past the caches. Task context.
 */
void flush_frame_lines(mfn_t m);
