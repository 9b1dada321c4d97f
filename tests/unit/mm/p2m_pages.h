/* SPDX-License-Identifier: MIT */
/*
 * The pages that programs about guests with a p2m play with, chosen at random, and when others
 * have their turns. Twice 512 leaves of 4 KiB and one of 2 MiB behind them.
 */
#pragma once

#include "p2m_world.h"

#define NR_GFNS		(1u << 19)
#define PLAYED		1024u	/* of each base: 4 KiB leaves, then a large one */
#define BASES		2u
#define NR_VCPUS	3u

extern const u64 base[BASES];
extern u64 frame[BASES][PLAYED];	/* what is behind each page; 0: a hole */

u64 random_u64(void);
/* Few are used often, so that TLBs remember something; one in four is behind a large leaf. */
u64 some_page(void);

extern bool quiet;			/* others have no turns */
extern unsigned others_depth;		/* never more than one: of the others, not those at it */
extern unsigned others_turns;		/* that they have had */
/* The program's: vCPU @n, or whoever else, does something. */
void act(unsigned n);

/* The domain has a p2m with all pages, tracked as @mode says; and nothing of it any more. */
void pages_build(u8 mode);
void pages_unbuild(void);
/*
 * main() of a program [OPERATIONS [SEED]]: play(@first, N) and play(@second, N / 4), and a quarter
 * of both with EPT's formats. A life is of LIFE operations.
 */
#define LIFE 2000u
int pages_main(int argc, char **argv, void (*play)(u8 mode, unsigned nr), u8 first, u8 second);
