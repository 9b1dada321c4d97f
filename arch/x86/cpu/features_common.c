/* SPDX-License-Identifier: MIT */
/*
 * Common features: CPUs need not be alike. The tables of cpufeature.h shrink to what all have,
 * before any guest has seen them; what the hypervisor itself cannot do without, no CPU may lack.
 *
 * CPUs join one at a time while the boot CPU waits for them, so nothing here is locked.
 */
#include "features.h"

#include <asm/cpu_init.h>
#include <asm/fpu.h>
#include <asm/percpu.h>
#include <isola/lib/format.h>
#include <isola/printk.h>

static bool any_differs;
static char refusal[160];

/* Why this CPU cannot be used beside the boot CPU, or NULL. */
static const char *refuse(const struct cpu_says *s)
{
	const char *name, *why;

	if (s->vendor != cpu_facts.vendor) {
		snprintf(refusal, sizeof(refusal), "CPU %u is of another vendor than the boot CPU, "
			 "and there are differences that guests cannot be spared", smp_cpu_id());
		return refusal;
	}
	name = cpu_needs_missing(s, &why);
	if (!name)
		return NULL;
	snprintf(refusal, sizeof(refusal), "CPU %u lacks %s, which the boot CPU has: %s",
		 smp_cpu_id(), name, why);
	return refusal;
}

/* Keep of the feature words what this CPU has too. */
static void shrink_words(const struct cpu_says *s)
{
	/* Bits that mirror CR4, not the part. */
	static const u32 may_differ[NR_FEATURE_WORDS] = {
		[FW_1C] = 1u << XEN_X86_FEATURE_OSXSAVE % 32,
		[FW_7C0] = 1u << XEN_X86_FEATURE_OSPKE % 32,
	};
	static const char *const reg_name[] = { "EAX", "EBX", "ECX", "EDX" };

	for (unsigned int i = 0; i < NR_FEATURE_WORDS; i++) {
		u32 lost = cpu_features[i] & ~s->words[i] & ~may_differ[i];

		if (!lost)
			continue;
		pr_info("cpu: CPU %u lacks bits %#x of CPUID leaf %#x %s: no guest sees them",
			smp_cpu_id(), lost, word_source[i].leaf, reg_name[word_source[i].reg]);
		cpu_features[i] &= ~lost;
		any_differs = true;
	}
}

/* Keep of XCR0 what this CPU has too. */
static void shrink_xcr0(const struct cpu_says *s)
{
	bool has_xsave = says_feature(s, XEN_X86_FEATURE_XSAVE) && s->max_basic >= 0xd;
	u64 own = has_xsave ? fpu_offered_xcr0() : 0;

	if (!(cpu_facts.xcr0 & ~own))
		return;
	pr_info("cpu: CPU %u has XCR0 %#lx, not %#lx: guests get what both have", smp_cpu_id(),
		own, cpu_facts.xcr0);
	cpu_facts.xcr0 &= own;
	any_differs = true;
}

const char *cpu_join(void)
{
	struct cpu_says s;
	const char *why;

	cpu_ask(&s);
	why = refuse(&s);
	if (why)
		return why;
	if (s.signature != cpu_facts.signature)
		pr_warn("cpu: CPU %u is another model (%#x) than the boot CPU (%#x): what is done "
			"about speculation goes by the boot CPU", smp_cpu_id(), s.signature,
			cpu_facts.signature);
	shrink_words(&s);
	shrink_xcr0(&s);
	cpu_facts.max_basic = min(cpu_facts.max_basic, s.max_basic);
	cpu_facts.max_extended = min(cpu_facts.max_extended, s.max_extended);
	fpu_settle();
	cpu_features_settle();
	return NULL;
}

bool cpus_differ(void)
{
	return any_differs;
}
