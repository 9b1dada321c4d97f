/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: buddy system over all RAM, in two pools.
 *
 * Every allocation names its class:
 *   public   reached by any CPU on any root at public_ptr(mfn); taken from 2 MiB blocks that never
 *            go back to domains (a freed public page would need a shootdown everywhere). Zeroed.
 *   domain   guest memory: mapped in its owner's window only, by domain_assign_pages()
 *   vcpu     a vCPU's private page: mapped in that vCPU's area only
 *   cpu      a CPU's private page: mapped in that CPU's area only
 * The last three come from the general pool and are zeroed (LEAK-2), unless they hold zeroes only,
 * through the caller's window on a root that has one (boot root), or through a CPU window.
 * Locks: alloc_lock inside; may be called with interrupts on only.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>

enum alloc_class { ALLOC_PUBLIC, ALLOC_DOMAIN, ALLOC_VCPU, ALLOC_CPU };

#define MAX_ORDER 18                    /* 1 GiB */

/*
 * 2^order frames, contiguous and naturally aligned, scrubbed. @max_bits: every frame's address lies
 * below 2^max_bits (0: no limit; only for ALLOC_DOMAIN). Returns INVALID_MFN when there are none.
 */
mfn_t __must_check page_alloc(enum alloc_class class, unsigned order, unsigned max_bits);

/*
 * Give back what page_alloc(class, order) gave. The frames are not mapped anywhere any more and no
 * reference is left.
 */
void page_free(enum alloc_class class, mfn_t first, unsigned order);

/* The same for one frame of class domain that holds zeroes only: it is not wiped once more. */
void page_free_scrubbed(mfn_t m);

/*
 * Promise @nr pages of class domain: *@claim, which page_alloc_claimed() lessens as they are taken,
 * and which others leave alone. 0: what is left of it is given up. 0; -EINVAL there is one; -ENOMEM
 * so many are not free.
 */
int __must_check page_claim(u32 *claim, u32 nr);
mfn_t __must_check page_alloc_claimed(unsigned order, unsigned max_bits, u32 *claim);
u64 nr_claimed_pages(void);

/* One zeroed public page, or NULL. */
void *__must_check alloc_public_page(void);
void free_public_page(void *page);

/* Zeroed public object of @size <= PAGE_SIZE * 128 bytes; heap.c. NULL when memory is short. */
void *__must_check public_alloc(size_t size);
void public_free(void *p);

/*
 * Boot: give the allocator RAM that nobody uses; the unused rest of the first public block; count
 * that block.
 */
void page_alloc_add_ram(mfn_t first, u64 nr);
void page_alloc_add_public(mfn_t first, u64 nr);
void page_alloc_count_boot_public(u64 nr);

/*
 * Boot memory closes: its rest is this allocator's (handover.c). Then, when what is in them has
 * been copied, the modules', of so many pages: of them only the command lines are left.
 */
void page_alloc_open(void);
void page_alloc_take_modules(void);
void page_alloc_take_module(unsigned i);
u64 page_alloc_nr_module_pages(void);
/*
 * A zeroed page before or after that: of class cpu, INVALID_MFN when there is none; public, or
 * NULL.
 */
mfn_t __must_check alloc_cpu_page(void);
void *__must_check alloc_public_page_early(void);

u64 nr_free_pages(void);                /* not in the public heap */
u64 nr_free_pages_of(unsigned node);    /* of these */
u64 nr_free_public_pages(void);         /* in the public heap */
u64 nr_public_pages(void);              /* pages in public blocks, used or not */
u64 nr_total_pages(void);
