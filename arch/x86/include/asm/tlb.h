/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes. CR4.PGE is 0, so a CR3 write flushes everything of this CPU (SDM vol. 3 §4.10.4).
 *
 * Flush clocks: one global counter that stampers advance; a CPU copies it (read before the write)
 * at each CR3 write. A frame whose stamp is older than a CPU's clock cannot be in that CPU's TLB in
 * its old use (TLB-4).
 */
#pragma once

#include <isola/types.h>
#include <isola/domain.h>
#include <isola/frame_num.h>
#include <asm/insn.h>
#include <asm/percpu.h>

/* This CPU, everything. Interrupts on. */
void tlb_flush_local(void);
/* This CPU, one page of the hypervisor's (and the paging-structure caches). */
static inline void tlb_invlpg(u64 va) { invlpg(va); }

/* Boot: the flush function for IPIs. */
void tlb_init(void);

/* For whoever writes CR3: the clock, read before the write, recorded after it. Interrupts off. */
extern u64 tlb_clock;			/* advanced by stampers only */
static inline u64 tlb_clock_read(void)
{
	return __atomic_load_n(&tlb_clock, __ATOMIC_ACQUIRE);
}
static inline void tlb_clock_flushed(u64 clock)
{
	__atomic_store_n(&this_cpu.pub->flush_clock, clock, __ATOMIC_RELEASE);
}

/*
 * The stamp to put in a frame whose last use of its type has just gone from memory and from every
 * root.
 */
u32 tlb_stamp_now(void);
/*
 * Flush every CPU that may still cache a use of a frame of @d stamped @stamp: waits (TLB-8). NULL:
 * the frame has been shared out, any domain's CPU may (TLB-9). Interrupts on.
 */
void tlb_flush_stamped(const struct domain *d, u32 stamp);
/*
 * Flush, and wait, the CPUs that run the vcpus of @d in @vcpu_mask (bit = vcpu id); @va ~0:
 * everything, else that page.
 */
void tlb_flush_vcpus(const struct domain *d, u64 vcpu_mask, u64 va);

/* Write back and invalidate the caches of every CPU; waits. Interrupts on. */
void cache_flush_all(void);
