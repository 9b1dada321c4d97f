/* SPDX-License-Identifier: MIT */
/*
 * A page that the sibling goes on writing to when it has become something else (races_stale.c).
 */
#pragma once

#include <stdint.h>

extern uint64_t *volatile other_target;		/* the page, or a word of one; set by the claim */
extern volatile uint64_t other_stores;		/* accesses to it; counted by the jobs */

/* Job: stores to *other_target, without pause, until @stop. */
void job_store(void);

/*
 * The sibling writes to a page until it is a table (TLB-1, XSA-401): what it held when @become was
 * over, it holds from then on, until @cease. Not for L1 tables: stores into those are emulated.
 */
void stale_writable(unsigned int rounds, long (*become)(void), long (*cease)(void));
long unpin_target(void);                        /* a @cease */
