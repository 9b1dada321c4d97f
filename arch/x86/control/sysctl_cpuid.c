/* SPDX-License-Identifier: MIT */
/*
 * What CPUs can do, as the tools ask it: feature words, and CPUID leaf by leaf.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/emul.h>
#include <asm/sysctl_machine.h>
#include <asm/uaccess.h>
#include <xen/sysctl.h>

/* Of a featureset in Xen 4.17; ours has the first of them. */
#define NR_WORDS     19u
#define MAX_LEAVES   120u		/* as Xen says */
#define MAX_MSRS     2u
#define HV_LEAF      0x40000000u
#define EXTENDED     0x80000000u

static u32 word_of(u32 index, u32 i)
{
	if (i >= NR_FEATURE_WORDS)
		return 0;
	i = index_nospec(i, NR_FEATURE_WORDS);
	return index <= XEN_SYSCTL_cpu_featureset_host ? cpu_features[i] : cpuid_policy_word(i);
}

long sysctl_featureset(struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
	u32 nr = min(f->nr_features, NR_WORDS);

	switch (f->index) {
	case XEN_SYSCTL_cpu_featureset_raw:
	case XEN_SYSCTL_cpu_featureset_host:
	case XEN_SYSCTL_cpu_featureset_pv:
	case XEN_SYSCTL_cpu_featureset_pv_max:
		break;
	case XEN_SYSCTL_cpu_featureset_hvm:
	case XEN_SYSCTL_cpu_featureset_hvm_max:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
	f->nr_features = NR_WORDS;
	if (!f->features.p)
		return 0;
	for (u32 i = 0; i < nr; i++) {
		u32 word = word_of(f->index, i);

		if (copy_to_guest(guest_elem((u64)f->features.p, i, sizeof(word)), &word,
				  sizeof(word)))
			return -EFAULT;
	}
	f->nr_features = nr;
	return nr < NR_WORDS ? -ENOBUFS : 0;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

struct out {
	struct cpuid_asker who;
	bool as_is;			/* the CPU's own answers, not the policy's */
	u64 to;				/* guest address */
	u32 room, nr;
};

/* One leaf, if there is room. */
static long emit(struct out *o, u32 leaf, u32 subleaf)
{
	u32 asked = subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : subleaf;
	struct cpuid_regs r = leaf >> 28 == HV_LEAF >> 28 ? pv_cpuid_own(leaf & 0xff, asked) :
			      o->as_is ? cpuid(leaf, asked) :
					 cpuid_policy_read(&o->who, leaf, asked);
	struct xen_cpuid_leaf l = { leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx };

	if (o->nr == o->room)
		return -ENOBUFS;
	return copy_to_guest(guest_elem(o->to, o->nr++, sizeof(l)), &l, sizeof(l));
}

/* Those of @leaf that there are: few have more than one. */
static long emit_leaf(struct out *o, u32 leaf)
{
	static const struct { u32 leaf, nr; } several[] = {
		{ 0x4, 6 }, { 0x7, 2 }, { 0xd, 63 },
	};
	long rc = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(several); i++) {
		if (several[i].leaf != leaf)
			continue;
		for (u32 s = 0; s < several[i].nr && !rc; s++)
			rc = emit(o, leaf, s);
		return rc;
	}
	return emit(o, leaf, XEN_CPUID_NO_SUBLEAF);
}

static long emit_range(struct out *o, u32 first, u32 last)
{
	long rc = 0;

	for (u32 leaf = first; leaf <= last && !rc; leaf++)
		rc = emit_leaf(o, leaf);
	return rc;
}

static u32 last_of(const struct out *o, u32 first)
{
	return cpuid_policy_read(&o->who, first, 0).eax;
}

long sysctl_cpu_policy(struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
	struct out o = {
		.who = { .xcr0 = cpu_facts.xcr0, .kernel_mode = true },
		.as_is = p->index <= XEN_SYSCTL_cpu_policy_host,
		.to = (u64)p->leaves.p, .room = p->nr_leaves,
	};
	long rc;

	if (p->_rsvd || p->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return -EINVAL;
	if (p->index == XEN_SYSCTL_cpu_policy_hvm_max ||
	    p->index == XEN_SYSCTL_cpu_policy_hvm_default)
		return -EOPNOTSUPP;
	if (!p->leaves.p && !p->msrs.p) {
		p->nr_leaves = MAX_LEAVES;
		p->nr_msrs = MAX_MSRS;
		return 0;
	}
	rc = emit_range(&o, 0, last_of(&o, 0));
	rc = rc ? rc : emit_range(&o, HV_LEAF, HV_LEAF);
	rc = rc ? rc : emit_range(&o, EXTENDED, last_of(&o, EXTENDED));
	p->nr_leaves = o.nr;
	p->nr_msrs = 0;
	return rc;
}
