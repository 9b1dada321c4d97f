/* SPDX-License-Identifier: MIT */
/*
 * What CPUID shows a domain, as the control domain sets it before the domain begins.
 *
 * The rule: what is taken away is gone, with what cannot be without it; what no domain is shown
 * does not come by asking for it; what is refused is named, and changes nothing.
 */
#define TOPIC "policy"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"
#include <xen/domctl.h>

#define NR_LEAVES 120u
#define AMD	0x68747541u		/* leaf 0, ebx: "Auth", of AuthenticAMD */

#define SSE3	(1u << 0)		/* leaf 1, ecx */
#define VMX	(1u << 5)
#define XSAVE	(1u << 26)
#define AVX	(1u << 28)
#define AVX2	(1u << 5)		/* leaf 7, ebx */

static xen_cpuid_leaf_t *leaves;
static xen_msr_entry_t msr;

static struct xen_domctl_cpu_policy *policy(uint32_t nr_leaves, uint32_t nr_msrs)
{
	struct xen_domctl_cpu_policy *p = &domctl_op.u.cpu_policy;

	if (!leaves)
		leaves = page_alloc();
	memset(&domctl_op.u, 0, sizeof(domctl_op.u));
	p->nr_leaves = nr_leaves;
	p->leaves.p = leaves;
	p->nr_msrs = nr_msrs;
	p->msrs.p = nr_msrs ? &msr : NULL;
	return p;
}

/* What it is now: a leaf, which there must be. */
static xen_cpuid_leaf_t leaf_of(domid_t d, uint32_t leaf, uint32_t subleaf)
{
	struct xen_domctl_cpu_policy *p = policy(NR_LEAVES, 0);

	CHECK_OK(domctl(XEN_DOMCTL_get_cpu_policy, d));
	for (uint32_t i = 0; i < p->nr_leaves; i++)
		if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
			return leaves[i];
	fail(__FILE__, __LINE__, "leaf 0x%x is not told", leaf);
}

static long set_leaf(domid_t d, xen_cpuid_leaf_t l)
{
	policy(1, 0);
	leaves[0] = l;
	return domctl(XEN_DOMCTL_set_cpu_policy, d);
}

CLAIM_DOM0(kept, "a feature that is taken away is gone, one that no domain is shown does not come, "
	   "a model is another, and other leaves are as they were")
{
	domid_t d = create();
	xen_cpuid_leaf_t before, first, l;

	CHECK_OK(max_vcpus(d, 2));
	first = leaf_of(d, 0, XEN_CPUID_NO_SUBLEAF);
	before = leaf_of(d, 1, XEN_CPUID_NO_SUBLEAF);
	CHECK(before.c & SSE3);
	l = before;
	l.c = (l.c & ~SSE3) | VMX;
	l.a ^= 1;
	CHECK_OK(set_leaf(d, l));
	l = leaf_of(d, 1, XEN_CPUID_NO_SUBLEAF);
	CHECK(!(l.c & (SSE3 | VMX)));
	CHECK_EQ(l.a, before.a ^ 1);
	CHECK_EQ(l.d, before.d);
	l = leaf_of(d, 0, XEN_CPUID_NO_SUBLEAF);
	CHECK_EQ(l.a, first.a);
	CHECK_EQ(l.b, first.b);
	/* Whole once more. */
	CHECK_OK(set_leaf(d, before));
	l = leaf_of(d, 1, XEN_CPUID_NO_SUBLEAF);
	CHECK_EQ(l.a, before.a);
	CHECK(l.c & SSE3);
	destroy(d);
}

CLAIM_DOM0(dependents, "without XSAVE there is no AVX and no state to save")
{
	domid_t d = create();
	xen_cpuid_leaf_t l;

	CHECK_OK(max_vcpus(d, 2));
	l = leaf_of(d, 1, XEN_CPUID_NO_SUBLEAF);
	if (!(l.c & XSAVE)) {
		destroy(d);
		skip("this CPU has no XSAVE");
	}
	l.c &= ~XSAVE;
	CHECK_OK(set_leaf(d, l));
	l = leaf_of(d, 1, XEN_CPUID_NO_SUBLEAF);
	CHECK(!(l.c & (XSAVE | AVX)));
	CHECK(!(leaf_of(d, 7, 0).b & AVX2));
	destroy(d);
}

CLAIM_DOM0(xens_count, "on AMD's parts as many extended leaves are taken as Xen shows its domains, "
	   "whatever the part has, and none more")
{
	domid_t d = create();
	xen_cpuid_leaf_t l;

	CHECK_OK(max_vcpus(d, 2));
	l = leaf_of(d, 0, XEN_CPUID_NO_SUBLEAF);
	if (l.b != AMD) {
		destroy(d);
		skip("this CPU is none of AMD's");
	}
	l = leaf_of(d, 0x80000000, XEN_CPUID_NO_SUBLEAF);
	l.a = 0x80000021;
	CHECK_OK(set_leaf(d, l));
	l.a = 0x80000022;
	CHECK_ERR(set_leaf(d, l), XEN_EINVAL);
	CHECK_EQ(domctl_op.u.cpu_policy.err_leaf, 0x80000000);
	destroy(d);
}

CLAIM_DOM0(msrs, "a domain's policy has the MSRs 0xce and 0x10a; one that takes a feature away is "
	   "told so; too little room is -ENOBUFS")
{
	static xen_msr_entry_t list[2];
	struct xen_domctl_cpu_policy *p = &domctl_op.u.cpu_policy;
	domid_t d = create();

	CHECK_OK(max_vcpus(d, 2));
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0x10a, .val = 0 };
	CHECK_OK(domctl(XEN_DOMCTL_set_cpu_policy, d));
	policy(NR_LEAVES, 2);
	p->msrs.p = list;
	CHECK_OK(domctl(XEN_DOMCTL_get_cpu_policy, d));
	CHECK_EQ(p->nr_msrs, 2);
	CHECK_EQ(list[0].idx, 0xce);
	CHECK(!(list[0].val & ~(1ul << 31)));
	CHECK_EQ(list[1].idx, 0x10a);
	CHECK_EQ(list[1].val, 0);
	CHECK(!list[0].flags && !list[1].flags);
	policy(NR_LEAVES, 1);
	p->msrs.p = list;
	CHECK_ERR(domctl(XEN_DOMCTL_get_cpu_policy, d), XEN_ENOBUFS);
	destroy(d);
}

CLAIM_DOM0(refused, "an unknown leaf or MSR is -ERANGE, more leaves than there are -EINVAL; each "
	   "is named, and nothing has changed")
{
	domid_t d = create();
	xen_cpuid_leaf_t before, l = { .leaf = 0x20, .subleaf = XEN_CPUID_NO_SUBLEAF };
	struct xen_domctl_cpu_policy *p = &domctl_op.u.cpu_policy;

	CHECK_OK(max_vcpus(d, 2));
	before = leaf_of(d, 0, XEN_CPUID_NO_SUBLEAF);
	CHECK_ERR(set_leaf(d, l), XEN_ERANGE);
	CHECK_EQ(p->err_leaf, 0x20);
	CHECK_EQ(p->err_subleaf, XEN_CPUID_NO_SUBLEAF);
	l = before;
	l.a = 0xffff;
	CHECK_ERR(set_leaf(d, l), XEN_EINVAL);
	CHECK_EQ(p->err_leaf, 0);
	CHECK_EQ(p->err_msr, ~0u);
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0x1234 };
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, d), XEN_ERANGE);
	CHECK_EQ(p->err_msr, 0x1234);
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0xce, .flags = 1 };
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, d), XEN_EINVAL);
	CHECK_EQ(p->err_msr, 0xce);
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0xce, .val = 1ul << 32 };
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, d), XEN_EOVERFLOW);
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0xce, .val = 1 };
	CHECK_ERR(domctl(XEN_DOMCTL_set_cpu_policy, d), XEN_EINVAL);
	CHECK_EQ(p->err_msr, 0xce);
	policy(0, 1);
	msr = (xen_msr_entry_t){ .idx = 0xce };
	CHECK_OK(domctl(XEN_DOMCTL_set_cpu_policy, d));
	CHECK_EQ(leaf_of(d, 0, XEN_CPUID_NO_SUBLEAF).a, before.a);
	destroy(d);
}
