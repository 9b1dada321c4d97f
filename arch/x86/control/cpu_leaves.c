/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaf by leaf: asm/cpu_leaves.h.
 */
#define __XEN_TOOLS__ 1
#include <isola/errno.h>
#include <asm/cpu_leaves.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/emul.h>
#include <asm/insn.h>
#include <asm/own_policy.h>
#include <asm/uaccess.h>
#include <xen/sysctl.h>

#define HV_LEAF      0x40000000u
#define EXTENDED     0x80000000u

/* Ranges that a list may have leaves of. */
static const struct { u32 first, last; } ranges[] = {
	{ 0, 0xd }, { HV_LEAF, HV_LEAF }, { HV_LEAF + 0x100, HV_LEAF + 0x100 },
	{ EXTENDED, EXTENDED + 0x21 },
};

/* Leaves that have several of one number; others have one, without a subleaf. */
static const struct { u32 leaf, nr; } several[] = {
	{ 0x4, 6 }, { 0x7, 2 }, { 0xb, 2 }, { 0xd, 63 },
};

bool cpu_leaf_is_known(u32 leaf, u32 subleaf)
{
	bool in_range = false;

	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		in_range |= leaf >= ranges[i].first && leaf <= ranges[i].last;
	for (unsigned i = 0; i < ARRAY_SIZE(several); i++)
		if (several[i].leaf == leaf)
			return subleaf < several[i].nr;
	return in_range && subleaf == XEN_CPUID_NO_SUBLEAF;
}

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
					 own_policy_read(&o->who, leaf, asked);
	struct xen_cpuid_leaf l = { leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx };

	if (o->nr == o->room)
		return -ENOBUFS;
	return copy_to_guest(guest_elem(o->to, o->nr++, sizeof(l)), &l, sizeof(l));
}

/* Those of @leaf that there are: few have more than one. */
static long emit_leaf(struct out *o, u32 leaf)
{
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
	return own_policy_read(&o->who, first, 0).eax;
}

long cpu_leaves_to_guest(u64 to, u32 *nr, bool as_is, const struct own_policy *own)
{
	struct out o = {
		.who = { .xcr0 = own ? own->xcr0 : cpu_facts.xcr0, .kernel_mode = true,
			 .own = own },
		.as_is = as_is, .to = to, .room = *nr,
	};
	long rc;

	*nr = CPU_LEAVES_MOST;
	if (!to)
		return 0;
	rc = emit_range(&o, 0, last_of(&o, 0));
	rc = rc ? rc : emit_range(&o, HV_LEAF, HV_LEAF);
	rc = rc ? rc : emit_range(&o, EXTENDED, last_of(&o, EXTENDED));
	*nr = o.nr;
	return rc;
}

long cpu_msrs_to_guest(u64 to, u32 *nr, const struct own_policy *own)
{
	const xen_msr_entry_t msrs[] = {
		{ .idx = MSR_PLATFORM_INFO, .val = pv_platform_info(own) },
		{ .idx = MSR_ARCH_CAPS, .val = pv_arch_caps(own) },
	};
	u32 room = *nr;

	static_assert(ARRAY_SIZE(msrs) == CPU_MSRS_MOST, "all of them");
	*nr = CPU_MSRS_MOST;
	if (!to)
		return 0;
	if (room < CPU_MSRS_MOST)
		return -ENOBUFS;
	return copy_to_guest(to, msrs, sizeof(msrs)) ? -EFAULT : 0;
}
