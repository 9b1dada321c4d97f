/* SPDX-License-Identifier: MIT */
/* Hosted TLB: the product's interface on the simulated one (world_tlb.c). */
#pragma once
#ifdef REAL_ROOTS			/* roots.c has the product's */
#include_next <asm/tlb.h>
#else
#include <isola/domain.h>
#include <isola/types.h>

void tlb_flush_local(void);
void tlb_invlpg(u64 va);
u32 tlb_stamp_now(void);
void tlb_flush_stamped(const struct domain *d, u32 stamp);
void tlb_flush_vcpus(const struct domain *d, u64 vcpu_mask, u64 va);
void cache_flush_all(void);
#endif
