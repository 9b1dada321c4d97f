/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries: bits, composition, decomposition. SDM vol. 3 §4.5.
 *
 * An entry is a plain u64 (pte_t); which level it stands in is said by the variable's name
 * (l1e..l4e, pl1e..). Live entries are written by one 8-byte store only (PTE-5).
 */
#pragma once

#include <isola/frame_num.h>

typedef u64 pte_t;

#define PTE_P       (1ul << 0)
#define PTE_RW      (1ul << 1)
#define PTE_US      (1ul << 2)
#define PTE_PWT     (1ul << 3)
#define PTE_PCD     (1ul << 4)
#define PTE_A       (1ul << 5)
#define PTE_D       (1ul << 6)
#define PTE_PS      (1ul << 7)                 /* L2, L3: large page */
#define PTE_PAT     (1ul << 7)                 /* L1 only */
#define PTE_G       (1ul << 8)
#define PTE_AVL     (7ul << 9)
#define PTE_NX      (1ul << 63)
#define PTE_SOFT_HI (0x7fful << 52) /* bits 52..62: ignored by hardware, kept for the guest */
#define PTE_ADDR    0x000ffffffffff000ul

#define PT_ENTRIES  512
#define L1_SHIFT 12
#define L2_SHIFT 21
#define L3_SHIFT 30
#define L4_SHIFT 39

/*
 * Attributes of the hypervisor's own leaf entries. None is global (CR4.PGE is 0), none user but the
 * M2P.
 */
#define PAGE_HV_RW  (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define PAGE_HV_RO  (PTE_P | PTE_A | PTE_NX)
#define PAGE_HV_RX  (PTE_P | PTE_A)
#define PAGE_HV_UC  (PAGE_HV_RW | PTE_PCD | PTE_PWT)
#define PAGE_HV_TABLE (PTE_P | PTE_RW | PTE_A)  /* an entry that names a lower table */

static inline pte_t pte_make(mfn_t m, u64 flags) { return mfn_to_maddr(m) | flags; }
static inline mfn_t pte_mfn(pte_t e) { return maddr_to_mfn(e & PTE_ADDR); }
static inline u64 pte_flags(pte_t e) { return e & ~PTE_ADDR; }
static inline bool pte_present(pte_t e) { return e & PTE_P; }

/* The index of @va in a table of @level (1..4). */
static inline unsigned pt_index(u64 va, unsigned level)
{
	return (va >> (L1_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

static inline pte_t pte_read(const pte_t *p) { return READ_ONCE(*p); }
static inline void pte_write(pte_t *p, pte_t e) { WRITE_ONCE(*p, e); }
