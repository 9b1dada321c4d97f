/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy: what a PV guest sees of the CPU. What is hidden, and why, is in
 * docs/abi/cpuid.md.
 *
 * Constant after boot. Only what depends on the asking vcpu, or its domain, comes in through struct
 * cpuid_asker; a guest's answer is made of nothing else (LEAK-1).
 */
#pragma once

#include <asm/insn.h>

struct own_policy;

struct cpuid_asker {
	u64 xcr0;               /* the guest's, for the sizes in leaf 0DH */
	u64 cr4;                /* the guest's settable bits: OSXSAVE, FSGSBASE */
	bool is_privileged;     /* dom0 */
	bool kernel_mode;       /* asked by the guest's kernel */
	u32 vcpu_id;
	const struct own_policy *own;   /* its domain's (asm/own_policy.h); NULL: as for all */
};

/* Compute the masks for this machine. Boot CPU, after cpu_init_boot(). */
void cpuid_policy_init(void);

/* No domain is shown a higher extended leaf on AMD's parts; nor is it by Xen 4.17. */
#define CPUID_MAX_EXT_AMD 0x80000021u

/*
 * The registers that CPUID @leaf, @subleaf gives to @who. Any leaf: unknown ones are all zero. No
 * locks, any context.
 */
struct cpuid_regs cpuid_policy_read(const struct cpuid_asker *who, u32 leaf, u32 subleaf);

/* Of the feature words @word, what cannot be without what is not there. */
void cpuid_policy_drop_dependents(u32 *word);

/* Word @i (< NR_FEATURE_WORDS) of the features that the policy shows. */
u32 cpuid_policy_word(unsigned int i);
/* Does the policy show the feature (XEN_X86_FEATURE_*)? */
bool cpuid_policy_shows(unsigned int feature);
#define policy_shows(name) cpuid_policy_shows(XEN_X86_FEATURE_##name)
