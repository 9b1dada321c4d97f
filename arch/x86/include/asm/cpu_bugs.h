/* SPDX-License-Identifier: MIT */
/*
 * CPU bugs: which of the known ways of reading what is not one's own this part has, going by what
 * it says of itself (CPUID, ARCH_CAPABILITIES) and, where it can say nothing, by its model.
 *
 * A part that is not known counts as affected. Not looked at: the reports that this hypervisor has
 * no answer to beside its roots (BTC, SRSO, BHI, ITS, GDS, SRBDS, TSA); docs/isolation.md.
 */
#pragma once

#include <asm/cpufeature.h>

/* One bit each; the log's names are cpu_bug_name()'s. */
enum cpu_bug {
	BUG_MELTDOWN,           /* rogue data cache load: user mode reads supervisor pages */
	BUG_SPECTRE_V1,         /* bounds check bypass */
	BUG_SPECTRE_V2,         /* branch target injection */
	BUG_SPECTRE_RSB,        /* the same by return addresses */
	BUG_SSB,                /* speculative store bypass */
	BUG_L1TF,               /* absent entries read the L1D */
	BUG_MDS,                /* stale data of fill buffers, store buffers, load ports */
	BUG_TAA,                /* the same by an aborted transaction */
	BUG_MMIO,               /* the same by access to a device */
	BUG_RFDS,               /* stale data of a register file */
	NR_CPU_BUGS,
};

/* What the answer rests on. */
struct cpu_bug_facts {
	enum cpu_vendor vendor;
	u32 family, model;              /* display values */
	u32 words[NR_FEATURE_WORDS];    /* as cpu_features */
	u64 arch_caps;                  /* ARCH_CAPABILITIES; 0: the part has none */
};

static inline bool facts_have(const struct cpu_bug_facts *f, unsigned feature)
{
	return f->words[feature / 32] & 1u << feature % 32;
}

/* Bits 1 << enum cpu_bug. Pure. */
u32 cpu_bugs_of(const struct cpu_bug_facts *f);

const char *cpu_bug_name(enum cpu_bug bug);

/* A bit of ARCH_CAPABILITIES: the ABI's words 16 and 17 are its two halves. */
#define ARCH_CAP(name) (1ul << (XEN_X86_FEATURE_##name - 16 * 32))
