/* SPDX-License-Identifier: MIT */
/*
 * A CPU policy of a domain's own: what it is shown of what domains are shown, as its tools have it.
 * A public object, made before the domain begins and constant from then on: numbers that it may
 * learn at any time.
 */
#pragma once

#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/insn.h>
#include <xen/xen.h>

#define OWN_LEAVES_MOST	120u

struct own_leaf {
	u32 leaf, subleaf;		/* XEN_CPUID_NO_SUBLEAF: it has none */
	struct cpuid_regs r;
};

struct own_policy {
	u32 word[NR_FEATURE_WORDS];	/* what it is shown: never more than all are */
	u64 xcr0;			/* components that it may use; 0: no XSAVE */
	u64 arch_caps;			/* of what the MSR shows to all */
	bool faulting;			/* CPUID faulting is offered */
	u32 nr_leaves;
	struct own_leaf leaves[OWN_LEAVES_MOST];
};

/* A policy that shows all. */
void own_policy_init(struct own_policy *o, const struct own_policy *all);
/* One leaf more, or another for one that it has. False: there is no room. */
bool own_policy_keep(struct own_policy *o, const struct own_leaf *l);
/*
 * All leaves are kept: make of them what is shown, never more than @all shows (NULL: what PV
 * domains are shown).
 */
void own_policy_settle(struct own_policy *o, const struct own_policy *all);
/* What @o keeps of a leaf; NULL: nothing. */
const struct own_leaf *own_policy_find(const struct own_policy *o, u32 leaf, u32 subleaf);
/* cpuid_policy_read(), and what @who's own policy makes of it, if there is one. */
struct cpuid_regs own_policy_read_own(const struct cpuid_asker *who, u32 leaf, u32 subleaf);
static inline struct cpuid_regs own_policy_read(const struct cpuid_asker *who, u32 leaf,
						u32 subleaf)
{
	if (likely(!who->own))
		return cpuid_policy_read(who, leaf, subleaf);
	return own_policy_read_own(who, leaf, subleaf);
}
