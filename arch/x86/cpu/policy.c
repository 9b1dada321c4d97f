/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy: which of the CPU's features a PV guest sees, as one mask per feature word and
 * one row per leaf.
 *
 * Default deny: a bit that is not named here, and a leaf that has no row, reads as zero. Hidden is
 * whatever a kernel in ring 3 cannot use (large pages, PGE, SMEP, PCID, x2APIC ..) and whatever
 * needs an MSR that pv/emul/msr.c does not give. Why each is hidden: docs/abi/cpuid.md. The
 * hypervisor's own leaves 40000000H.. are pv/emul/cpuid.c's.
 * Sources: SDM vol. 2 CPUID; APM vol. 3 appendix E; the attributes in the ABI's cpufeatureset.h.
 */
#include <asm/cpuid_policy.h>
#include <asm/cpufeature.h>
#include <asm/fpu.h>
#include <asm/own_policy.h>

#define MAX_BASIC        0xdu
#define MAX_EXT_INTEL    0x80000008u
#define MAX_FEAT_SUBLEAF 1u

#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))

/* What a PV guest may see. */
static const u32 pv_may_see[NR_FEATURE_WORDS] = {
	[FW_1D] = F(FPU) | F(DE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) |
		F(SEP) | F(MCA) | F(CMOV) | F(PAT) | F(CLFLUSH) | F(MMX) | F(FXSR) | F(SSE) |
		F(SSE2) | F(HTT),
	[FW_1C] = F(SSE3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(SSE4_1) | F(SSE4_2) |
		F(MOVBE) | F(POPCNT) | F(AESNI) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND) |
		F(HYPERVISOR),
	[FW_E1D] = F(SYSCALL) | F(NX) | F(MMXEXT) | F(FFXSR) | F(RDTSCP) | F(LM) | F(3DNOWEXT) |
		F(3DNOW),
	[FW_E1C] = F(LAHF_LM) | F(CMP_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
		F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM),
	[FW_DA1] = F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1),
	[FW_7B0] = F(FSGSBASE) | F(BMI1) | F(AVX2) | F(FDP_EXCP_ONLY) | F(BMI2) | F(ERMS) |
		F(NO_FPU_SEL) | F(AVX512F) | F(AVX512DQ) | F(RDSEED) | F(ADX) | F(AVX512_IFMA) |
		F(CLFLUSHOPT) | F(CLWB) | F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA) |
		F(AVX512BW) | F(AVX512VL),
	[FW_7C0] = F(PREFETCHWT1) | F(AVX512_VBMI) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) |
		F(VPCLMULQDQ) | F(AVX512_VNNI) | F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ) |
		F(RDPID),
	[FW_7D0] = F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) | F(MD_CLEAR) | F(SERIALIZE) |
		F(ARCH_CAPS),
	[FW_7A1] = F(AVX_VNNI) | F(AVX512_BF16) | F(FZRM) | F(FSRS) | F(FSRCS),
	[FW_E7D] = F(ITSC),
	[FW_E8B] = F(CLZERO) | F(RSTR_FP_ERR_PTRS) | F(SSB_NO) | F(BTC_NO),
	[FW_E21A] = F(LFENCE_DISPATCH) | F(NSCB) | F(SRSO_NO),
};

/* Gone with XSAVE: everything whose registers or encoding need it. */
static const u32 needs_xsave[NR_FEATURE_WORDS] = {
	[FW_1C] = F(XSAVE) | F(AVX) | F(FMA) | F(F16C),
	[FW_E1C] = F(XOP) | F(FMA4),
	[FW_DA1] = ~0u,
	[FW_7B0] = F(AVX2) | F(AVX512F) | F(AVX512DQ) | F(AVX512_IFMA) | F(AVX512PF) |
		F(AVX512ER) | F(AVX512CD) | F(AVX512BW) | F(AVX512VL),
	[FW_7C0] = F(AVX512_VBMI) | F(AVX512_VBMI2) | F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) |
		F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ),
	[FW_7D0] = F(AVX512_4VNNIW) | F(AVX512_4FMAPS),
	[FW_7A1] = F(AVX_VNNI) | F(AVX512_BF16),
};

/* And with AVX512F, what extends it. */
static const u32 needs_avx512[NR_FEATURE_WORDS] = {
	[FW_7B0] = F(AVX512DQ) | F(AVX512_IFMA) | F(AVX512PF) | F(AVX512ER) | F(AVX512CD) |
		F(AVX512BW) | F(AVX512VL),
	[FW_7C0] = F(AVX512_VBMI) | F(AVX512_VBMI2) | F(AVX512_VNNI) | F(AVX512_BITALG) |
		F(AVX512_VPOPCNTDQ),
	[FW_7D0] = F(AVX512_4VNNIW) | F(AVX512_4FMAPS),
	[FW_7A1] = F(AVX512_BF16),
};

/* AMD repeats these bits of leaf 1 EDX in leaf 80000001H EDX. */
#define COMMON_1D 0x0183f3ffu

static u32 policy[NR_FEATURE_WORDS];

void cpuid_policy_init(void)
{
	for (unsigned int i = 0; i < NR_FEATURE_WORDS; i++) {
		policy[i] = cpu_features[i] & pv_may_see[i];
		if (!cpu_facts.xcr0)
			policy[i] &= ~needs_xsave[i];
	}
	policy[FW_1C] |= F(HYPERVISOR);
	if (cpu_is_amd()) {
		policy[FW_1D] &= ~F(SEP);       /* SYSENTER does not exist in long mode there */
		policy[FW_E1D] |= policy[FW_1D] & COMMON_1D;
	}
}

u32 cpuid_policy_word(unsigned int i)
{
	return policy[i];
}

bool cpuid_policy_shows(unsigned int feature)
{
	return policy[feature / 32] & 1u << feature % 32;
}

void cpuid_policy_drop_dependents(u32 *word)
{
	bool xsave = word[FW_1C] & F(XSAVE), avx = word[FW_1C] & F(AVX);
	bool avx512 = word[FW_7B0] & F(AVX512F);

	for (unsigned int i = 0; i < NR_FEATURE_WORDS; i++) {
		if (!xsave)
			word[i] &= ~needs_xsave[i];
		if (!avx && i != FW_DA1)
			word[i] &= ~needs_xsave[i] | (i == FW_1C ? F(XSAVE) : 0);
		if (!avx512)
			word[i] &= ~needs_avx512[i];
	}
}

/* The words of the features that @who is shown; and one of them. */
static const u32 *words_of(const struct cpuid_asker *who)
{
	return unlikely(who->own) ? who->own->word : policy;
}

static u32 shown(const struct cpuid_asker *who, enum feature_word i)
{
	return words_of(who)[i];
}

static struct cpuid_regs leaf_max_basic(const struct cpuid_asker *who __maybe_unused,
					u32 leaf __maybe_unused, u32 subleaf __maybe_unused)
{
	struct cpuid_regs r = cpuid(0, 0);

	r.eax = min(cpu_facts.max_basic, MAX_BASIC);
	return r;
}

/*
 * dom0's kernel sees MTRR although it has none: 4.17 lets it through, and Linux clears it itself.
 * OSXSAVE: a PV kernel asks by the forced form whether the *hypervisor* has switched XSAVE on.
 */
static struct cpuid_regs leaf_features(const struct cpuid_asker *who, u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = cpuid(leaf, subleaf);
	const u32 *word = words_of(who);

	r.ebx &= 0x00ffffff;            /* initial APIC id: PV guests have none */
	r.ecx = word[FW_1C];
	r.edx = word[FW_1D];
	if (who->is_privileged && who->kernel_mode)
		r.edx |= cpu_features[FW_1D] & F(MTRR);
	if (r.ecx & F(XSAVE) && (who->kernel_mode || who->cr4 & CR4_OSXSAVE))
		r.ecx |= F(OSXSAVE);
	return r;
}

static struct cpuid_regs leaf_structured(const struct cpuid_asker *who, u32 leaf,
					 u32 subleaf)
{
	struct cpuid_regs none = { 0 };

	if (subleaf == 0)
		return (struct cpuid_regs){ .eax = min(cpuid(leaf, 0).eax, MAX_FEAT_SUBLEAF),
			.ebx = shown(who, FW_7B0), .ecx = shown(who, FW_7C0),
			.edx = shown(who, FW_7D0) };
	if (subleaf == 1)
		return (struct cpuid_regs){ .eax = shown(who, FW_7A1) };
	return none;
}

/* Size of a compacted image with the components @xcr0: SDM vol. 1 §13.4.3. */
static u32 compact_bytes(u64 xcr0)
{
	u32 end = 512 + 64;

	for (unsigned int i = 2; i < 32; i++) {
		struct cpuid_regs r;

		if (!(xcr0 & 1ul << i))
			continue;
		r = cpuid(0xd, i);
		if (r.ecx & 2)
			end = ROUNDUP(end, 64);
		end += r.eax;
	}
	return end;
}

static struct cpuid_regs leaf_xstate(const struct cpuid_asker *who, u32 leaf, u32 subleaf)
{
	u64 offer = who->own ? who->own->xcr0 : shown(who, FW_1C) & F(XSAVE) ? cpu_facts.xcr0 : 0;
	struct cpuid_regs r = { 0 };

	if (!offer)
		return r;
	if (subleaf == 0)
		return (struct cpuid_regs){ .eax = (u32)offer, .ebx = fpu_image_bytes(who->xcr0),
			.ecx = fpu_image_bytes(offer), .edx = (u32)(offer >> 32) };
	if (subleaf == 1)
		return (struct cpuid_regs){ .eax = shown(who, FW_DA1),
			.ebx = shown(who, FW_DA1) & F(XSAVEC) ?
			       compact_bytes(who->xcr0 & offer) : 0 };
	if (subleaf >= 2 && subleaf < 64 && offer & 1ul << subleaf) {
		r = cpuid(leaf, subleaf);
		r.edx = 0;
	}
	return r;
}

static struct cpuid_regs leaf_max_extended(const struct cpuid_asker *who __maybe_unused, u32 leaf,
					   u32 subleaf)
{
	struct cpuid_regs r = cpuid(leaf, subleaf);

	r.eax = min(cpu_facts.max_extended, cpu_is_amd() ? CPUID_MAX_EXT_AMD : MAX_EXT_INTEL);
	return r;
}

static struct cpuid_regs leaf_extended(const struct cpuid_asker *who, u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = cpuid(leaf, subleaf);

	if (!cpu_is_amd())
		r.eax = r.ebx = 0;
	r.ecx = shown(who, FW_E1C);
	r.edx = shown(who, FW_E1D);
	if (who->is_privileged && who->kernel_mode)
		r.edx |= cpu_features[FW_1D] & F(MTRR);
	return r;
}

static struct cpuid_regs leaf_power(const struct cpuid_asker *who,
				    u32 leaf __maybe_unused, u32 subleaf __maybe_unused)
{
	return (struct cpuid_regs){ .edx = shown(who, FW_E7D) };
}

static struct cpuid_regs leaf_sizes(const struct cpuid_asker *who, u32 leaf,
				    u32 subleaf)
{
	struct cpuid_regs r = cpuid(leaf, subleaf);

	r.eax = (r.eax & 0xff) | 48 << 8;       /* no LA57: 48-bit virtual addresses */
	r.ebx = shown(who, FW_E8B);
	r.ecx = cpu_is_amd() ? r.ecx & 0x0003f0ff : 0;
	r.edx = 0;
	return r;
}

static struct cpuid_regs leaf_extended_2(const struct cpuid_asker *who,
					 u32 leaf __maybe_unused, u32 subleaf __maybe_unused)
{
	return (struct cpuid_regs){ .eax = shown(who, FW_E21A) };
}

/* As the CPU has it: caches, TLBs, the brand string. */
static struct cpuid_regs leaf_as_is(const struct cpuid_asker *who __maybe_unused, u32 leaf,
				    u32 subleaf)
{
	return cpuid(leaf, subleaf);
}

/*
 * A row per leaf that is not all zero. Missing on purpose: 3 (serial number), 5 (MONITOR), 6
 * (power), 9, 0AH (PMU), 0BH (topology), 8000000AH (SVM), 8000001BH.. (IBS, LWP, topology, SEV).
 */
static const struct {
	u32 leaf;
	struct cpuid_regs (*read)(const struct cpuid_asker *who, u32 leaf, u32 subleaf);
} rows[] = {
	{ 0x0, leaf_max_basic },
	{ 0x1, leaf_features },
	{ 0x2, leaf_as_is },
	{ 0x4, leaf_as_is },
	{ 0x7, leaf_structured },
	{ 0xd, leaf_xstate },
	{ 0x80000000, leaf_max_extended },
	{ 0x80000001, leaf_extended },
	{ 0x80000002, leaf_as_is },
	{ 0x80000003, leaf_as_is },
	{ 0x80000004, leaf_as_is },
	{ 0x80000005, leaf_as_is },
	{ 0x80000006, leaf_as_is },
	{ 0x80000007, leaf_power },
	{ 0x80000008, leaf_sizes },
	{ 0x80000019, leaf_as_is },
	{ 0x8000001a, leaf_as_is },
	{ 0x80000021, leaf_extended_2 },
};

struct cpuid_regs cpuid_policy_read(const struct cpuid_asker *who, u32 leaf, u32 subleaf)
{
	struct cpuid_regs none = { 0 };
	u32 last = leaf >> 31 ? cpu_facts.max_extended : cpu_facts.max_basic;

	if (leaf > last)
		return none;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].leaf == leaf)
			return rows[i].read(who, leaf, subleaf);
	return none;
}
