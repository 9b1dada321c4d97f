/* SPDX-License-Identifier: MIT */
/*
 * Frame numbers: which 4 KiB page is meant, in which numbering.
 *
 *   mfn_t   machine frame: machine address >> 12
 *   gfn_t   what a guest writes into its tables; equal to the mfn for PV guests
 *   pfn_t   the guest's own linear numbering, 0 .. nr_pages-1
 *
 * They are distinct one-member structs so that the compiler refuses a mix-up. mfn -> pfn is m2p.h's
 * business, pfn -> mfn (p2m) is the guest's own memory and never trusted.
 */
#pragma once

#include <isola/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

typedef struct { u64 n; } mfn_t;
typedef struct { u64 n; } gfn_t;
typedef struct { u64 n; } pfn_t;

/* No frame. All ones, as the ABI's invalid M2P entry. */
#define INVALID_MFN ((mfn_t){ ~0ul })

static inline mfn_t _mfn(u64 n) { return (mfn_t){ n }; }
static inline gfn_t _gfn(u64 n) { return (gfn_t){ n }; }
static inline pfn_t _pfn(u64 n) { return (pfn_t){ n }; }
static inline u64 mfn_x(mfn_t m) { return m.n; }
static inline u64 gfn_x(gfn_t g) { return g.n; }
static inline u64 pfn_x(pfn_t p) { return p.n; }
static inline bool mfn_eq(mfn_t a, mfn_t b) { return a.n == b.n; }
static inline mfn_t mfn_add(mfn_t m, u64 nr) { return (mfn_t){ m.n + nr }; }
static inline u64 mfn_to_maddr(mfn_t m) { return m.n << PAGE_SHIFT; }
static inline mfn_t maddr_to_mfn(u64 maddr) { return (mfn_t){ maddr >> PAGE_SHIFT }; }
static inline bool mfn_is_valid_num(mfn_t m) { return m.n != ~0ul; }
