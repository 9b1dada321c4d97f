/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a guest executes it: the CPU's policy, and the hypervisor's own leaves 40000000H.. .
 * Values of those: the ABI's <xen/arch-x86/cpuid.h>.
 */
#include <asm/cpuid_policy.h>
#include <isola/version.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/frametable.h>
#include <asm/own_policy.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <isola/domain.h>
#include <isola/clock.h>
#include <isola/privilege.h>
#include <isola/vcpu.h>
#include <xen/arch-x86/cpuid.h>

#define HV_LEAF       0x40000000u
#define HV_LEAF_MASK  0xffffff00u
#define XEN_MSR_BASE  0x40000000u

static struct cpuid_regs leaf_tsc(u32 subleaf)
{
	struct cpuid_regs r = { 0 };

	switch (subleaf) {
	case 0:
		r.eax = (cpu_has(ITSC) ? 2 : 0) | (policy_shows(RDTSCP) ? 4 : 0);
		r.ecx = tsc_khz;
		break;
	case 1:
		r.ecx = time_scale()->mul;
		r.edx = (u32)time_scale()->shift;
		break;
	case 2:
		r.eax = tsc_khz;
		break;
	}
	return r;
}

struct cpuid_regs pv_cpuid_own(u32 n, u32 subleaf)
{
	struct cpuid_regs none = { 0 };

	switch (n) {
	case 0:
		return (struct cpuid_regs){ .eax = HV_LEAF + XEN_CPUID_MAX_NUM_LEAVES,
					    .ebx = XEN_CPUID_SIGNATURE_EBX,
					    .ecx = XEN_CPUID_SIGNATURE_ECX,
					    .edx = XEN_CPUID_SIGNATURE_EDX };
	case 1:
		return (struct cpuid_regs){ .eax = ABI_VERSION };
	case 2:
		return (struct cpuid_regs){ .eax = 1, .ebx = XEN_MSR_BASE,
					    .ecx = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD };
	case 3:
		return leaf_tsc(subleaf);
	case 5:
		if (subleaf == 0)
			return (struct cpuid_regs){ .ebx = machine_address_bits() };
		return none;
	default:
		return none;
	}
}

void pv_cpuid(struct regs *r)
{
	u32 leaf = r->rax, subleaf = r->rcx;
	struct cpuid_regs out;

	if ((leaf & HV_LEAF_MASK) == HV_LEAF) {
		out = pv_cpuid_own(leaf & ~HV_LEAF_MASK, subleaf);
	} else {
		struct cpuid_asker who = {
			.xcr0 = this_vcpu.xcr0,
			.cr4 = this_vcpu.cr4,
			.is_privileged = domain_may(current->domain, MAY_see_mtrrs),
			.kernel_mode = this_vcpu.kernel_mode,
			.vcpu_id = current->id,
			.own = current->domain->cpu_policy,
		};

		out = own_policy_read(&who, leaf, subleaf);
	}
	r->rax = out.eax;
	r->rbx = out.ebx;
	r->rcx = out.ecx;
	r->rdx = out.edx;
}
