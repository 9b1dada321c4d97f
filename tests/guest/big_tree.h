/* SPDX-License-Identifier: MIT */
/*
 * Long work for the hypervisor, and a timer that interrupts it.
 */
#pragma once

#include <stdint.h>

/*
 * One L3, one L2 and 24 full L1 tables: 12,000 entries to look at. Read-only, neither pinned nor
 * hooked.
 */
#define BIG_L1 24u
extern uint64_t *big_l3, *big_l2, *big_l1[BIG_L1];
void big_build(void);
/* Neither tables any more: writable. */
void big_plain(void);

/* A timer that interrupts every millisecond, for as long as the claim runs. */
void interrupt_often(void);
void interrupt_no_more(void);
