/* SPDX-License-Identifier: MIT */
/*
 * The machine-to-phys table: for each frame of RAM the pfn its owner calls it. The hypervisor owns
 * it, guests read it at VA_M2P; it is for them only, and never trusted. Entries of frames that
 * nobody owns are INVALID_M2P_ENTRY.
 */
#pragma once

#include <isola/frame_num.h>

/* <xen/arch-x86_64.h>: no pfn */
#define INVALID_M2P ((pfn_t){ ~0ul })

/*
 * Frames without a frame record have no entry: m2p_set() does nothing, m2p_get() says INVALID_M2P.
 */
void m2p_set(mfn_t m, pfn_t pfn);
pfn_t m2p_get(mfn_t m);

/*
 * Is @m, which has a frame record or none, of the M2P's own memory (m2p_block.h)? Never changes
 * after boot.
 */
bool m2p_is_frame(mfn_t m);
