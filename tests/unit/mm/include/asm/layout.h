/* SPDX-License-Identifier: MIT */
/*
 * Hosted address map: the product's, but for the areas that the simulated memory must really stand
 * at.
 */
#pragma once
#define public_ptr product_public_ptr
#define public_mfn product_public_mfn
#include_next <asm/layout.h>
#undef public_ptr
#undef public_mfn

#ifdef WORLD_ENTRIES			/* a small world: pgentry.h */
#undef L4_SLOT_HV_FIRST
#undef L4_SLOT_HV_LAST
#define L4_SLOT_HV_FIRST 1
#define L4_SLOT_HV_LAST 1
#endif
#undef VA_FRAMETABLE
#undef VA_M2P_RW
#undef VA_WINDOW
#undef VA_PUBLIC
#undef VA_SHADOW
#define VA_FRAMETABLE	0x210000000000ul
#define VA_M2P_RW	0x220000000000ul
#define VA_WINDOW	0x200000000000ul
#define VA_PUBLIC	0x230000000000ul
#define VA_SHADOW	0x250000000000ul

#ifndef __ASSEMBLY__
static inline void *public_ptr(mfn_t m) { return (void *)(VA_PUBLIC + (mfn_x(m) << PAGE_SHIFT)); }
static inline mfn_t public_mfn(const void *p) { return _mfn(((u64)p - VA_PUBLIC) >> PAGE_SHIFT); }
#endif
