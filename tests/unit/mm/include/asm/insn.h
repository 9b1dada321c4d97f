/* SPDX-License-Identifier: MIT */
/* Hosted instructions: CPUs whose interrupts are a flag. */
#pragma once
#include <isola/types.h>

struct cpuid_regs { u32 eax, ebx, ecx, edx; };

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	return (struct cpuid_regs){ leaf == 0x80000000 ? 0x80000008 : 40, 0, 0, 0 };
}

extern bool world_irq_off;

static inline u64 irq_save(void)
{
	u64 flags = world_irq_off;

	world_irq_off = true;
	return flags;
}

static inline void irq_restore(u64 flags) { world_irq_off = flags; }
static inline void irq_disable(void) { world_irq_off = true; }
static inline void irq_enable(void) { world_irq_off = false; }
extern unsigned world_irq_windows;
static inline void irq_window(void) { world_irq_windows++; }
static inline bool irq_is_enabled(void) { return !world_irq_off; }
/* with one CPU nobody else ends a wait: the harness reports it */
void cpu_relax(void);
void write_cr3(u64 cr3);			/* roots.c */
void invlpg(u64 va);
static inline void smp_mb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
