/* SPDX-License-Identifier: MIT */
/*
 * Orphans: frames that their owner has given back while others held them (MEM-5).
 *
 * The last reference may go on any CPU, on any root, under any lock but page_lock, while that CPU
 * and others still remember the mapping. So the frame waits, in a list of the CPU's own, for the
 * softirq: nothing is held then, and interrupts are on. Every CPU that is behind forgets it, it is
 * wiped, and free (TLB-3).
 */
#pragma once

/* Boot, once: the softirq's handler. */
void orphan_init(void);
/* The handler: frees what waits on this CPU. */
void orphan_free_all(void);
