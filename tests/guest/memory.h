/* SPDX-License-Identifier: MIT */
/*
 * Memory: the guest's own frames, its page tables, and the two translation tables.
 *
 * All memory the guest touches lies in the initial mapping: address = VIRT_BASE + pfn * 4096. A
 * claim that wants to play with page tables takes pages from the pool (never given back, so a
 * spoilt page harms nobody), and windows: addresses inside the image whose own frame may be
 * replaced by any other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"

#define PAGE_BYTES 4096ul
#define VIRT_BASE 0xffffffff80000000ul

#define PTE_P 0x001ul
#define PTE_RW 0x002ul
#define PTE_US 0x004ul
#define PTE_PWT 0x008ul
#define PTE_PCD 0x010ul
#define PTE_A 0x020ul
#define PTE_D 0x040ul
#define PTE_PS 0x080ul
#define PTE_G 0x100ul
#define PTE_AVAIL 0xe00ul
#define PTE_NX (1ul << 63)
#define PTE_FRAME 0x000ffffffffff000ul

#define PTE_RO_PAGE (PTE_P | PTE_US | PTE_A)
#define PTE_RW_PAGE (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

#define make_pte(mfn, flags) (((uint64_t)(mfn) << 12) | (flags))
#define pte_mfn(e) (((e) & PTE_FRAME) >> 12)

#define NOBODYS_MFN 0x3fffffffffful		/* far beyond any RAM */

extern struct start_info *start;

/*
 * What an operation of a target's answers that names a domain that is not there. Isola tells it
 * who may name others: another domain is refused whether it is there or not.
 */
#define NO_SUCH_DOMAIN (on_isola && !(start->flags & SIF_INITDOMAIN) ? XEN_EPERM : XEN_ESRCH)
extern struct shared_info *shared;	/* mapped at a window by memory_init() */
extern struct vcpu_info *vcpu_info;	/* of vCPU 0; moves if it is registered elsewhere */

/* Map shared_info. 0 or negative errno. */
long memory_init(struct start_info *si);

static inline unsigned long pfn_of(const volatile void *va)
{
	return ((unsigned long)va - VIRT_BASE) / PAGE_BYTES;
}

static inline unsigned long mfn_of_pfn(unsigned long pfn)
{
	return ((unsigned long *)start->mfn_list)[pfn];
}

static inline unsigned long mfn_of(const volatile void *va)
{
	return mfn_of_pfn(pfn_of(va));
}

static inline unsigned long pfn_of_mfn(unsigned long mfn)
{
	return machine_to_phys_mapping[mfn];
}

static inline void *va_of_mfn(unsigned long mfn)
{
	return (void *)(VIRT_BASE + pfn_of_mfn(mfn) * PAGE_BYTES);
}

/* Entries that map a page of ours with ordinary access, or use it as a table. */
static inline uint64_t rw_pte(const volatile void *va)
{
	return make_pte(mfn_of(va), PTE_RW_PAGE);
}

static inline uint64_t table_pte(const volatile void *va)
{
	return make_pte(mfn_of(va), PTE_TABLE);
}

/* The bootstrap L4. */
static inline unsigned long l4_mfn(void)
{
	return mfn_of((void *)start->pt_base);
}

/* Machine address of the byte at @va, by the p2m list. */
static inline uint64_t maddr_of(const volatile void *va)
{
	return mfn_of(va) * PAGE_BYTES + ((unsigned long)va & (PAGE_BYTES - 1));
}

/*
 * The entry that translates @va at @level (4..1) of the bootstrap tables, through its read-only
 * mapping; NULL where an upper level is not present. Valid as long as every table is in the initial
 * mapping.
 */
const volatile uint64_t *entry_of(const volatile void *va, unsigned int level);

/* L1 entry of @va as the hypervisor and the CPU see it. */
static inline uint64_t l1e(const volatile void *va)
{
	return *entry_of(va, 1);
}

/* A zeroed page of the pool. Ends the claim as "skip" when the pool is used up. */
void *page_alloc(void);

/* An address whose mapping a claim may replace. memory_reset() puts all of them back. */
void *window(unsigned int index);
#define NR_WINDOWS 4u
void memory_reset(void);

/* update_va_mapping of one page with INVLPG; the result of the hypercall. */
long remap(const volatile void *va, uint64_t pte);

/* Change only the access of our own page at @va. */
long make_readonly(const volatile void *va);
long make_writable(const volatile void *va);

/* One mmu_update request. @type_and_ptr: machine address of an entry | MMU_*. */
long mmu_update(uint64_t ptr_and_type, uint64_t value);
/* Replace the entry at @slot, an address in a page of ours. */
long write_entry(const volatile uint64_t *slot, uint64_t value);
/* One mmuext operation. */
long mmuext(unsigned int cmd, unsigned long arg1, unsigned long arg2);

/*
 * A page-table page of ours: read-only everywhere, ready to be hooked or pinned. NULL if refused.
 */
uint64_t *table_alloc(void);

/*
 * Three tables of ours that lead to one another by their first entries; the l1's is the caller's.
 */
struct tree {
	uint64_t *l1, *l2, *l3;
};

/* Read-only, neither pinned nor hooked. Ends the claim if it cannot be. */
struct tree tree_build(uint64_t l1e);

/* Entry @slot of the bootstrap L4, and the address that it begins to map. */
static inline const volatile uint64_t *l4_slot(unsigned int slot)
{
	return (uint64_t *)start->pt_base + slot;
}

static inline volatile uint64_t *slot_va(unsigned int slot)
{
	return (volatile uint64_t *)((unsigned long)slot << 39);
}
