/* SPDX-License-Identifier: MIT */
/*
 * CPUID of an HVM guest: by its policy (policy.c), and what depends on the vcpu. The hypervisor's
 * leaves: the ABI's <xen/arch-x86/cpuid.h>.
 */
#include <isola/domain.h>
#include <isola/vcpu.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/hvm_policy.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <xen/arch-x86/cpuid.h>

#define HV_LEAF		0x40000000u
#define HV_LEAF_MASK	0xffffff00u
#define HV_LEAVES	4u		/* the last */
#define F(name) (1u << (XEN_X86_FEATURE_##name % 32))

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
	const u32 apic = this_hvm.apic.base & APICBASE_ENABLE ? 0 : F(APIC);

	out->ebx = (out->ebx & 0xff00) | vlapic_id(current) << 24 |
		   current->domain->nr_vcpus << 16;
	out->edx &= ~apic;		/* as the processor hides one that is off */
}

void hvm_cpuid(struct regs *r)
{
	u32 leaf = r->rax, subleaf = r->rcx;
	struct cpuid_regs out = { 0 };
	const struct cpuid_asker who = {
		.xcr0 = this_vcpu.xcr0,
		.cr4 = hvm->get(HVM_CR4), .vcpu_id = current->id,
		.own = hvm_policy_of(current->domain),
	};

	if ((leaf & HV_LEAF_MASK) == HV_LEAF)
		own_leaf(leaf & ~HV_LEAF_MASK, subleaf, &out);
	else
		out = own_policy_read(&who, leaf, subleaf);
	if (leaf == 1)
		leaf_1(&out);
	else if (leaf == 0xb)
		out.edx = vlapic_id(current);
	r->rax = out.eax;
	r->rbx = out.ebx;
	r->rcx = out.ecx;
	r->rdx = out.edx;
}
