/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own shared tables: what stands behind slots 256, 259 and 260 of every root.
 *
 * Their three L3 pages exist before the first root is made and never change place (T13); entries
 * are only ever added, so no flush is due. Tables are public pages. Lock: hyper_pt_lock (SWI-5).
 */
#pragma once

#include <asm/layout.h>
#include <asm/pgentry.h>

/* The three shared L3s. Boot only: takes pages from the boot allocator. */
void hyper_pt_init(void);
/*
 * Boot, before the first root of ours is loaded: the blocks that bootmem opened get their place in
 * the public heap.
 */
void hyper_pt_map_boot_blocks(void);

/*
 * Boot: map frame @m at @va (slots 256, 259, 260). @large: 2 MiB, both aligned. -ENOMEM: no table
 * page.
 */
int __must_check hyper_map(u64 va, mfn_t m, bool large, u64 flags);

/*
 * Give the 2 MiB block at @first its place in the public heap. Uses no page of the public pool but
 * a reserve of its own.
 */
int __must_check hyper_map_public_block(mfn_t first);
/*
 * Has the reserve been used? Then it is given another zeroed public page, or NULL: there is none.
 */
bool hyper_pt_is_short(void);
void hyper_pt_refill(void *table);

/* Store the shared slots' entries into the L4 page @l4. @m2p: slot 256 too. */
void hyper_fill_root(u64 *l4, bool m2p);
