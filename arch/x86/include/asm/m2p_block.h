/* SPDX-License-Identifier: MIT */
/*
 * The M2P's own memory (ABI): blocks of 2 MiB, aligned, of which block i has the entries of machine
 * memory's GiB i. The control domain may map their frames, to read, in the name of DOMID_XEN.
 */
#pragma once

#include <isola/frame_num.h>

/* How many blocks machine memory has room for, and the first frame of @i; INVALID_MFN: a hole. */
u64 m2p_nr_blocks(void);
mfn_t m2p_block(u64 i);
/* Boot. */
void m2p_set_block(u64 i, mfn_t first);
