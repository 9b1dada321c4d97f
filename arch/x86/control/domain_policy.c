/* SPDX-License-Identifier: MIT */
/*
 * A domain's CPU policy, set and asked: asm/domain_policy.h. A new one is made beside the old, and
 * takes its place when all of it has been found good.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <isola/page_alloc.h>
#include <asm/cpu_leaves.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/domain_policy.h>
#include <asm/emul.h>
#include <asm/hvm_policy.h>
#include <asm/own_policy.h>
#include <asm/uaccess.h>
#include <xen/domctl.h>

#define NOTHING		(~0u)

static long refuse_leaf(struct xen_domctl_cpu_policy *p, u32 leaf, u32 subleaf, long rc)
{
	p->err_leaf = leaf;
	p->err_subleaf = subleaf;
	return rc;
}

static long take_leaves(struct own_policy *o, struct xen_domctl_cpu_policy *p)
{
	for (u32 i = 0; i < p->nr_leaves; i++) {
		struct own_leaf own;
		xen_cpuid_leaf_t l;

		if (copy_from_guest(&l, guest_elem((u64)p->leaves.p, i, sizeof(l)), sizeof(l)))
			return -EFAULT;
		own = (struct own_leaf){ l.leaf, l.subleaf, { l.a, l.b, l.c, l.d } };
		if (!cpu_leaf_is_known(l.leaf, l.subleaf) || !own_policy_keep(o, &own))
			return refuse_leaf(p, l.leaf, l.subleaf, -ERANGE);
	}
	return 0;
}

static long take_msr(struct own_policy *o, const struct own_policy *all,
		     const xen_msr_entry_t *m)
{
	if (m->flags)
		return -EINVAL;
	switch (m->idx) {
	case MSR_PLATFORM_INFO:
		if (m->val >> 32)
			return -EOVERFLOW;
		if (m->val & ~pv_platform_info(all))
			return -EINVAL;
		o->faulting = m->val;
		return 0;
	case MSR_ARCH_CAPS:
		o->arch_caps = m->val;
		return 0;
	default:
		return -ERANGE;
	}
}

static long take_msrs(struct own_policy *o, const struct own_policy *all,
		      struct xen_domctl_cpu_policy *p)
{
	for (u32 i = 0; i < p->nr_msrs; i++) {
		xen_msr_entry_t m;
		long rc;

		if (copy_from_guest(&m, guest_elem((u64)p->msrs.p, i, sizeof(m)), sizeof(m)))
			return -EFAULT;
		rc = take_msr(o, all, &m);
		if (rc) {
			p->err_msr = m.idx;
			return rc;
		}
	}
	return 0;
}

/* Leaves that say how many there are, which may not be more than there are. */
static const struct { u32 leaf, subleaf; } counts[] = {
	{ 0x0, XEN_CPUID_NO_SUBLEAF }, { 0x7, 0 }, { 0x80000000, XEN_CPUID_NO_SUBLEAF },
};

/*
 * Xen shows its domains 80000021H on AMD's parts, whatever these have: it says there that it has
 * made LFENCE serialising. So the policy of a domain that was saved there may be higher than ours,
 * which it does not see (LESSER in own_policy.c).
 */
static u32 most(u32 leaf)
{
	const struct cpuid_asker all = { .xcr0 = cpu_facts.xcr0, .kernel_mode = true };
	u32 ours = cpuid_policy_read(&all, leaf, 0).eax;

	return leaf == 0x80000000 && cpu_is_amd() ? max(ours, CPUID_MAX_EXT_AMD) : ours;
}

static long check_counts(const struct own_policy *o, struct xen_domctl_cpu_policy *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		const struct own_leaf *l = own_policy_find(o, counts[i].leaf, counts[i].subleaf);

		if (l && l->r.eax > most(counts[i].leaf))
			return refuse_leaf(p, counts[i].leaf, counts[i].subleaf, -EINVAL);
	}
	return 0;
}

long domain_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *p)
{
	const struct own_policy *all = d->hvm ? &hvm_policy : NULL;
	struct own_policy *new, *old = d->cpu_policy;
	long rc;

	if (READ_ONCE(d->has_begun))
		return -EEXIST;
	p->err_leaf = p->err_subleaf = p->err_msr = NOTHING;
	if (p->nr_leaves > CPU_LEAVES_MOST || p->nr_msrs > CPU_MSRS_MOST)
		return -E2BIG;
	new = public_alloc(sizeof(*new)); /* public: CPU policies of domains */
	if (!new)
		return -ENOMEM;
	if (old)
		*new = *old;
	else
		own_policy_init(new, all);
	rc = take_leaves(new, p);
	rc = rc ? rc : take_msrs(new, all, p);
	rc = rc ? rc : check_counts(new, p);
	if (!rc) {
		own_policy_settle(new, all);
		d->cpu_policy = new;
	}
	public_free(rc ? new : old);
	return rc;
}

long domain_get_cpu_policy(const struct domain *d, struct xen_domctl_cpu_policy *p)
{
	const struct own_policy *own = d->hvm ? hvm_policy_of(d) : d->cpu_policy;
	long rc = cpu_leaves_to_guest((u64)p->leaves.p, &p->nr_leaves, false, own);

	return rc ? rc : cpu_msrs_to_guest((u64)p->msrs.p, &p->nr_msrs, own);
}
