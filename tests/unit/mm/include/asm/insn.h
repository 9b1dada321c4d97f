/* SPDX-License-Identifier: MIT */
/* Hosted instructions: one CPU without interrupts. */
#pragma once
#include <isola/types.h>

struct cpuid_regs { u32 eax, ebx, ecx, edx; };

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	(void)subleaf;
	return (struct cpuid_regs){ leaf == 0x80000000 ? 0x80000008 : 40, 0, 0, 0 };
}

static inline u64 irq_save(void) { return 0; }
static inline void irq_restore(u64 flags) { (void)flags; }
void cpu_relax(void);			/* with one CPU nobody else ends a wait: the harness reports it */
