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
	/* the guest's, for the sizes in leaf 0DH; 0: it never set one, which counts as x87 alone */
	u64 xcr0;
	u64 cr4;                /* the guest's settable bits: OSXSAVE, FSGSBASE */
	const struct own_policy *own;   /* its domain's (asm/own_policy.h); NULL: as for all */
	u32 vcpu_id;
	u8 kernel_mode;         /* 1: asked by the guest's kernel, 0: by its user */
	bool is_privileged;     /* dom0 */
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
