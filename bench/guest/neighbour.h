/* SPDX-License-Identifier: MIT */
/*
 * The neighbour: a second domain, made, filled and destroyed by this one, the control domain.
 *
 * Its memory is NEIGHBOUR_PAGES frames: a tree of one page a level, whose l1 maps the code at
 * NEIGHBOUR_CODE, shared_info and a stack.
 */
#pragma once

#define NEIGHBOUR_CODE 0x1000
#define NEIGHBOUR_SHARED 0x2000
#define NEIGHBOUR_STACK_END 0x4000

/* The neighbour's own instructions for one event: neighbour.S. */
#define OWN_NEIGHBOUR (12 + 6)

#ifndef __ASSEMBLY__
#include <stdint.h>
#include "domains.h"

/* Its frames: places in mfns[]. */
enum { N_L4, N_L3, N_L2, N_L1, N_CODE, N_STACK, N_LENT, NEIGHBOUR_PAGES };

struct neighbour {
	domid_t domid;
	uint64_t mfns[NEIGHBOUR_PAGES];
};

/* With two vCPUs, of which the first will run, all frames and the tree, which is not pinned. */
struct neighbour neighbour_make(void);
/* Let it run: it answers each event on its @port by one on it, and sleeps. */
void neighbour_start(const struct neighbour *n, uint32_t port);
/* Until all its frames are free again. */
void neighbour_destroy(const struct neighbour *n);

/* What the neighbour runs, and its end; the vCPU's entry and that of its events lie in it. */
extern char neighbour_begin[], neighbour_end[], neighbour_events[];
/* In it: the port that it sends to. */
extern char neighbour_answer[];
#endif
