/* SPDX-License-Identifier: MIT */
/*
 * Features that HVM domains are shown: what PV domains are, what a kernel in ring 0 can use beside
 * it, and what is emulated; of these a domain of the tools' as much as they say.
 */
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/hvm_policy.h>

#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))

/* AMD repeats these bits of leaf 1 EDX in leaf 80000001H EDX. */
#define COMMON_1D	0x0183f3ffu

static const u32 more[NR_FEATURE_WORDS] = {
	[FW_1C] = F(TSC_DEADLINE),	/* emulated, too: who is saved here may go on on Xen */
	[FW_1D] = F(PSE) | F(PGE) | F(PSE36) | F(SEP),
	[FW_E1D] = F(PAGE1GB),
	[FW_7B0] = F(SMEP) | F(SMAP),
	[FW_7C0] = F(UMIP),
};
/* What is emulated, whether or not the CPU has it. */
static const u32 always[NR_FEATURE_WORDS] = {
	[FW_1D] = F(APIC),
	[FW_1C] = F(X2APIC),
};

struct own_policy hvm_policy;

void hvm_policy_init(void)
{
	own_policy_init(&hvm_policy, NULL);
	hvm_policy.faulting = true;	/* each CPUID is ours to answer */
	for (unsigned i = 0; i < NR_FEATURE_WORDS; i++)
		hvm_policy.word[i] |= (cpu_features[i] & more[i]) | always[i];
	if (cpu_is_amd())
		hvm_policy.word[FW_E1D] |= hvm_policy.word[FW_1D] & COMMON_1D;
}

bool hvm_shows(const struct domain *d, unsigned feature)
{
	return hvm_policy_of(d)->word[feature / 32] & 1u << feature % 32;
}
