/* SPDX-License-Identifier: MIT */
/*
 * CPU bugs, as tables: who can have which, who says that he has not, which models are known.
 *
 * Sources: Intel, "Affected Processors: Transient Execution Attacks"; SDM vol. 4,
 * IA32_ARCH_CAPABILITIES (10AH); AMD, "Software techniques for managing speculation" and its
 * security bulletins; APM vol. 3, leaf 80000008H EBX.
 */
#include <asm/cpu_bugs.h>


/* Bugs that were never reported for anybody but Intel. */
#define INTEL_ONLY (BIT(BUG_MELTDOWN) | BIT(BUG_L1TF) | BIT(BUG_MDS) | BIT(BUG_TAA) | \
		    BIT(BUG_MMIO) | BIT(BUG_RFDS))
#define ALL_BUGS (BIT(NR_CPU_BUGS) - 1)

/*
 * Models without some bugs that cannot say so, or cannot before a microcode update. Family 6 of
 * Intel; not affected by @without.
 */
static const struct { u8 first, last; u32 without; } intel_models[] = {
	/* Bonnell, Saltwell: in order, nothing runs ahead */
	{ 0x1c, 0x1c, ALL_BUGS },
	{ 0x26, 0x27, ALL_BUGS },
	{ 0x35, 0x36, ALL_BUGS },
	/* Silvermont, Airmont */
	{ 0x37, 0x37, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	{ 0x4a, 0x4a, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	{ 0x4c, 0x4d, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	{ 0x5a, 0x5a, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	{ 0x75, 0x75, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	/* Goldmont, Goldmont Plus */
	{ 0x5c, 0x5c, BIT(BUG_L1TF) | BIT(BUG_MDS) },
	{ 0x5f, 0x5f, BIT(BUG_L1TF) | BIT(BUG_MDS) },
	{ 0x7a, 0x7a, BIT(BUG_L1TF) | BIT(BUG_MDS) },
	/* Knights Landing, Knights Mill */
	{ 0x57, 0x57, BIT(BUG_SSB) | BIT(BUG_L1TF) },
	{ 0x85, 0x85, BIT(BUG_SSB) | BIT(BUG_L1TF) },
};

/* Models with MMIO stale data, where the part does not deny it. Older ones: not known. */
static const u8 mmio_models[] = {
	0x3f, 0x4f, 0x56,               /* Haswell, Broadwell servers */
	0x4e, 0x5e, 0x55,               /* Skylake */
	0x8e, 0x9e, 0xa5, 0xa6,         /* Kaby, Coffee, Comet Lake */
	0x66, 0x6a, 0x6c, 0x7e,         /* Cannon, Ice Lake */
	0xa7, 0x8a,                     /* Rocket Lake, Lakefield */
	0x86, 0x96, 0x9c,               /* Tremont */
};

/* Models with a register file that keeps stale data, where the part does not deny it. */
static const u8 rfds_models[] = {
	0x5c, 0x5f, 0x7a,               /* Goldmont */
	0x86, 0x96, 0x9c,               /* Tremont */
	0x97, 0x9a, 0xb7, 0xba, 0xbf,   /* Alder, Raptor Lake */
	0xbe,                           /* Gracemont */
};

/* Bits by which a part says that it does not have a bug. All of @denials at once. */
static const struct { u32 bugs; u64 denials; } arch_caps_say[] = {
	{ BIT(BUG_MELTDOWN) | BIT(BUG_L1TF), ARCH_CAP(RDCL_NO) },
	{ BIT(BUG_SSB),  ARCH_CAP(INTEL_SSB_NO) },
	{ BIT(BUG_MDS),  ARCH_CAP(MDS_NO) },
	{ BIT(BUG_TAA),  ARCH_CAP(TAA_NO) },
	{ BIT(BUG_MMIO), ARCH_CAP(SBDR_SSDP_NO) | ARCH_CAP(FBSDP_NO) | ARCH_CAP(PSDP_NO) },
	{ BIT(BUG_RFDS), ARCH_CAP(RFDS_NO) },
};

static bool is_one_of(u32 model, const u8 *models, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (models[i] == model)
			return true;
	return false;
}

/* What an Intel part does not have, going by its model. */
static u32 intel_without(const struct cpu_bug_facts *f)
{
	u32 without = 0;

	if (f->family == 5)
		return ALL_BUGS;                        /* in order */
	if (f->family != 6)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(intel_models); i++)
		if (f->model >= intel_models[i].first && f->model <= intel_models[i].last)
			without |= intel_models[i].without;
	if (!is_one_of(f->model, mmio_models, ARRAY_SIZE(mmio_models)))
		without |= BIT(BUG_MMIO);
	if (!is_one_of(f->model, rfds_models, ARRAY_SIZE(rfds_models)))
		without |= BIT(BUG_RFDS);
	return without;
}

/* TAA takes transactions: there, or there again for whoever writes TSX_CTRL. */
static bool has_tsx(const struct cpu_bug_facts *f)
{
	return facts_have(f, XEN_X86_FEATURE_RTM) || f->arch_caps & ARCH_CAP(TSX_CTRL);
}

u32 cpu_bugs_of(const struct cpu_bug_facts *f)
{
	u32 bugs = ALL_BUGS;

	if (f->vendor == VENDOR_AMD || f->vendor == VENDOR_HYGON)
		bugs &= ~INTEL_ONLY;
	if (f->vendor == VENDOR_INTEL)
		bugs &= ~intel_without(f);
	for (unsigned i = 0; i < ARRAY_SIZE(arch_caps_say); i++)
		if ((f->arch_caps & arch_caps_say[i].denials) == arch_caps_say[i].denials)
			bugs &= ~arch_caps_say[i].bugs;
	if (facts_have(f, XEN_X86_FEATURE_SSB_NO))
		bugs &= ~BIT(BUG_SSB);
	if (!has_tsx(f))
		bugs &= ~BIT(BUG_TAA);
	return bugs;
}

const char *cpu_bug_name(enum cpu_bug bug)
{
	static const char *const name[NR_CPU_BUGS] = {
		[BUG_MELTDOWN] = "Meltdown", [BUG_SPECTRE_V1] = "Spectre-v1",
		[BUG_SPECTRE_V2] = "Spectre-v2", [BUG_SPECTRE_RSB] = "SpectreRSB",
		[BUG_SSB] = "SSB", [BUG_L1TF] = "L1TF", [BUG_MDS] = "MDS", [BUG_TAA] = "TAA",
		[BUG_MMIO] = "MMIO-stale-data", [BUG_RFDS] = "RFDS",
	};

	return name[bug];
}
