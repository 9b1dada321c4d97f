/* SPDX-License-Identifier: MIT */
/*
 * What CPUs can do, as the tools ask it: feature words, and CPUID (control/cpu_leaves.c).
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/nospec.h>
#include <asm/cpu_leaves.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/hvm.h>
#include <asm/hvm_policy.h>
#include <asm/sysctl_machine.h>
#include <asm/uaccess.h>
#include <xen/sysctl.h>

/* Of a featureset in Xen 4.17; ours has the first of them. */
#define NR_WORDS     19u

static bool is_of_hvm(u32 index)
{
	return index == XEN_SYSCTL_cpu_featureset_hvm || index == XEN_SYSCTL_cpu_featureset_hvm_max;
}

static u32 word_of(u32 index, u32 i)
{
	if (i >= NR_FEATURE_WORDS)
		return 0;
	i = index_nospec(i, NR_FEATURE_WORDS);
	if (is_of_hvm(index))
		return hvm_policy.word[i];
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
		if (hvm)
			break;
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

long sysctl_cpu_policy(struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
	bool of_hvm = p->index == XEN_SYSCTL_cpu_policy_hvm_max ||
		      p->index == XEN_SYSCTL_cpu_policy_hvm_default;
	const struct own_policy *own = of_hvm ? &hvm_policy : NULL;
	long rc;

	if (p->_rsvd || p->index > XEN_SYSCTL_cpu_policy_hvm_default)
		return -EINVAL;
	if (of_hvm && !hvm)
		return -EOPNOTSUPP;
	rc = cpu_leaves_to_guest((u64)p->leaves.p, &p->nr_leaves,
				 p->index <= XEN_SYSCTL_cpu_policy_host, own);
	return rc ? rc : cpu_msrs_to_guest((u64)p->msrs.p, &p->nr_msrs, own);
}
