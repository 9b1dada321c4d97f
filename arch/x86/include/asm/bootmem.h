/* SPDX-License-Identifier: MIT */
/*
 * Boot memory: RAM taken before the page allocator exists, never given back.
 */
#pragma once

#include <isola/frame_num.h>

/*
 * Sort out RAM: keep the image, the modules, the first MiB and what is not RAM out of the free
 * ranges.
 */
void bootmem_init(void);

/* @bytes of RAM aligned to @align (a power of two >= 4 KiB), zeroed; fatal() when there is none. */
mfn_t bootmem_alloc(u64 bytes, u64 align);
/* The same from the highest RAM there is, not zeroed: the boot root need not map it. */
mfn_t bootmem_alloc_anywhere(u64 bytes, u64 align);
/*
 * A zeroed page of the public heap's first 2 MiB blocks; which blocks those are (hyper_pt.c maps
 * them).
 */
void *bootmem_public_page(void);
mfn_t bootmem_public_block(unsigned i);
unsigned bootmem_nr_public_blocks(void);
bool bootmem_done(void);

/* Closed from now on: what is left may be asked for, and is the asker's. */
void bootmem_close(void);
/* The @i-th free range: its frames, perhaps none. False: there is no such range. */
bool bootmem_left(unsigned i, mfn_t *first, u64 *nr);
/* How many pages its public blocks have, and those not given out. */
u64 bootmem_public_pages(void);
u64 bootmem_public_left(mfn_t *first);
