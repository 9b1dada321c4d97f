/* SPDX-License-Identifier: MIT */
/*
 * CPUID of an HVM guest: what a PV guest is shown, and what a kernel in ring 0 can use beside it;
 * with the local APIC that is emulated, and without what is not (MTRRs). The hypervisor's leaves:
 * the ABI's <xen/arch-x86/cpuid.h>.
 */
#include <isola/domain.h>
#include <isola/vcpu.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <xen/arch-x86/cpuid.h>

#define HV_LEAF		0x40000000u
#define HV_LEAF_MASK	0xffffff00u
#define HV_LEAVES	4u		/* the last */
#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))

/* AMD repeats these bits of leaf 1 EDX in leaf 80000001H EDX. */
#define COMMON_1D	0x0183f3ffu

static const u32 more[NR_FEATURE_WORDS] = {
	[FW_1D] = F(PSE) | F(PGE) | F(PSE36) | F(SEP),
	[FW_E1D] = F(PAGE1GB),
	[FW_7B0] = F(SMEP) | F(SMAP),
	[FW_7C0] = F(UMIP),
};
/* What is emulated, whether or not the CPU has it. */
static const u32 always[NR_FEATURE_WORDS] = {
	[FW_1D] = F(APIC),
	[FW_1C] = F(X2APIC),
};

static u32 word(enum feature_word i)
{
	u32 w = (cpuid_policy_word(i) | (cpu_features[i] & more[i])) | always[i];

	if (i == FW_E1D && cpu_is_amd())
		w |= word(FW_1D) & COMMON_1D;
	return w;
}

bool hvm_shows(unsigned feature)
{
	return word(feature / 32) & 1u << feature % 32;
}

static void own_leaf(u32 n, u32 subleaf, struct cpuid_regs *out)
{
	if (n <= 3)
		*out = pv_cpuid_own(n, subleaf);
	switch (n) {
	case 0:
		out->eax = HV_LEAF + HV_LEAVES;
		break;
	case 2:
		out->ecx = 0;		/* what is said there is PV's */
		break;
	case 4:
		out->eax = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
			   XEN_HVM_CPUID_UPCALL_VECTOR;
		out->ebx = current->id;
		out->ecx = current->domain->domid;
		break;
	default:
		break;
	}
}

static void leaf_1(struct cpuid_regs *out)
{
	const u32 osxsave = out->ecx & F(OSXSAVE);
	const u32 apic = this_hvm.apic.base & APICBASE_ENABLE ? 0 : F(APIC);

	out->ebx = (out->ebx & 0xff00) | vlapic_id(current) << 24 |
		   current->domain->nr_vcpus << 16;
	out->ecx = word(FW_1C) | osxsave;
	out->edx = word(FW_1D) & ~apic;	/* as the processor hides one that is off */
}

static void leaf_7(u32 subleaf, struct cpuid_regs *out)
{
	if (subleaf)
		return;
	out->ebx = word(FW_7B0);
	out->ecx = word(FW_7C0);
}

void hvm_cpuid(struct regs *r)
{
	u32 leaf = r->rax, subleaf = r->rcx;
	struct cpuid_regs out = { 0 };
	const struct cpuid_asker who = {
		.xcr0 = this_vcpu.xcr0 ? this_vcpu.xcr0 : XCR0_X87,
		.cr4 = hvm->get(HVM_CR4), .vcpu_id = current->id,
	};

	if ((leaf & HV_LEAF_MASK) == HV_LEAF)
		own_leaf(leaf & ~HV_LEAF_MASK, subleaf, &out);
	else
		out = cpuid_policy_read(&who, leaf, subleaf);
	if (leaf == 1)
		leaf_1(&out);
	else if (leaf == 7)
		leaf_7(subleaf, &out);
	else if (leaf == 0xb)
		out.edx = vlapic_id(current);
	else if (leaf == 0x80000001)
		out.edx = word(FW_E1D);
	r->rax = out.eax;
	r->rbx = out.ebx;
	r->rcx = out.ecx;
	r->rdx = out.edx;
}
