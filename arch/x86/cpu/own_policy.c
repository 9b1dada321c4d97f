/* SPDX-License-Identifier: MIT */
/*
 * A CPU policy of a domain's own: leaves that are kept, and what becomes of them.
 *
 * Feature bits go through one mask per word, like everybody's (cpu/policy.c), and are cut to what
 * all are shown, silently, as Xen 4.17 does it. Of the rest a table says which registers are the
 * domain's own to have: names, models, caches. All else stays as it is.
 */
#include <asm/cpuid_policy.h>
#include <asm/own_policy.h>

enum reg { REG_A, REG_B, REG_C, REG_D };

/* Where each word of features stands. */
static const struct { u32 leaf, subleaf; enum reg reg; } word_at[NR_FEATURE_WORDS] = {
	[FW_1D] = { 0x1, XEN_CPUID_NO_SUBLEAF, REG_D },
	[FW_1C] = { 0x1, XEN_CPUID_NO_SUBLEAF, REG_C },
	[FW_E1D] = { 0x80000001, XEN_CPUID_NO_SUBLEAF, REG_D },
	[FW_E1C] = { 0x80000001, XEN_CPUID_NO_SUBLEAF, REG_C },
	[FW_DA1] = { 0xd, 1, REG_A },
	[FW_7B0] = { 0x7, 0, REG_B },
	[FW_7C0] = { 0x7, 0, REG_C },
	[FW_7D0] = { 0x7, 0, REG_D },
	[FW_7A1] = { 0x7, 1, REG_A },
	[FW_E7D] = { 0x80000007, XEN_CPUID_NO_SUBLEAF, REG_D },
	[FW_E8B] = { 0x80000008, XEN_CPUID_NO_SUBLEAF, REG_B },
	[FW_E21A] = { 0x80000021, XEN_CPUID_NO_SUBLEAF, REG_A },
};

/* What of a register is the domain's own to have: these bits of its leaf; or the lesser number. */
#define LESSER	(1ul << 32)
static const struct { u32 first, last; u64 own[4]; } rules[] = {
	{ 0x0, 0x0, { LESSER, ~0u, ~0u, ~0u } },
	{ 0x1, 0x1, { ~0u, 0x00ffffff, 0, 0 } },
	{ 0x2, 0x4, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x7, 0x7, { LESSER, 0, 0, 0 } },
	{ 0x80000000, 0x80000000, { LESSER, ~0u, ~0u, ~0u } },
	{ 0x80000001, 0x80000001, { ~0u, 0, 0, 0 } },
	{ 0x80000002, 0x80000006, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000008, 0x80000008, { 0, 0, ~0u, 0 } },
	{ 0x80000019, 0x8000001a, { ~0u, ~0u, ~0u, ~0u } },
};

static u32 reg_of(const struct cpuid_regs *r, enum reg reg)
{
	switch (reg) {
	case REG_A:
		return r->eax;
	case REG_B:
		return r->ebx;
	case REG_C:
		return r->ecx;
	default:
		return r->edx;
	}
}

void own_policy_init(struct own_policy *o, const struct own_policy *all)
{
	o->arch_caps = ~0ul;
	o->faulting = all ? all->faulting : cpu_facts.cpuid_faulting;
	o->nr_leaves = 0;
	own_policy_settle(o, all);
}

static struct own_leaf *find(struct own_policy *o, u32 leaf, u32 subleaf)
{
	for (struct own_leaf *l = o->leaves; l < o->leaves + o->nr_leaves; l++)
		if (l->leaf == leaf && l->subleaf == subleaf)
			return l;
	return NULL;
}

const struct own_leaf *own_policy_find(const struct own_policy *o, u32 leaf, u32 subleaf)
{
	return find((struct own_policy *)o, leaf, subleaf);
}

bool own_policy_keep(struct own_policy *o, const struct own_leaf *l)
{
	struct own_leaf *at = find(o, l->leaf, l->subleaf);

	if (!at) {
		if (o->nr_leaves == OWN_LEAVES_MOST)
			return false;
		at = o->leaves + o->nr_leaves++;
	}
	*at = *l;
	return true;
}

/* Components whose features it is shown. */
static u64 xcr0_of(const u32 *word)
{
	u64 xcr0 = cpu_facts.xcr0;

	if (!(word[FW_1C] & 1u << XEN_X86_FEATURE_XSAVE % 32))
		return 0;
	if (!(word[FW_1C] & 1u << XEN_X86_FEATURE_AVX % 32))
		xcr0 &= ~(XCR0_AVX | XCR0_AVX512);
	if (!(word[FW_7B0] & 1u << XEN_X86_FEATURE_AVX512F % 32))
		xcr0 &= ~XCR0_AVX512;
	return xcr0;
}

void own_policy_settle(struct own_policy *o, const struct own_policy *all)
{
	for (unsigned i = 0; i < NR_FEATURE_WORDS; i++) {
		const struct own_leaf *l = find(o, word_at[i].leaf, word_at[i].subleaf);

		o->word[i] = all ? all->word[i] : cpuid_policy_word(i);
		if (l)
			o->word[i] &= reg_of(&l->r, word_at[i].reg);
	}
	cpuid_policy_drop_dependents(o->word);
	o->xcr0 = xcr0_of(o->word);
}

static u32 mixed(u32 all, u32 own, u64 rule)
{
	return rule & LESSER ? min(all, own) : (all & ~(u32)rule) | (own & (u32)rule);
}

/* *@r, which all are shown of that leaf, becomes what @o shows, but for the feature words. */
static void apply(const struct own_policy *o, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
	const struct own_leaf *l = own_policy_find(o, leaf, subleaf);

	if (!l)
		l = own_policy_find(o, leaf, XEN_CPUID_NO_SUBLEAF);
	if (!l)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
		if (leaf < rules[i].first || leaf > rules[i].last)
			continue;
		r->eax = mixed(r->eax, l->r.eax, rules[i].own[REG_A]);
		r->ebx = mixed(r->ebx, l->r.ebx, rules[i].own[REG_B]);
		r->ecx = mixed(r->ecx, l->r.ecx, rules[i].own[REG_C]);
		r->edx = mixed(r->edx, l->r.edx, rules[i].own[REG_D]);
	}
}

struct cpuid_regs own_policy_read_own(const struct cpuid_asker *who, u32 leaf, u32 subleaf)
{
	struct cpuid_regs r = cpuid_policy_read(who, leaf, subleaf);

	if (leaf <= cpuid_policy_read(who, leaf & 1u << 31, 0).eax)
		apply(who->own, leaf, subleaf, &r);
	return r;
}
