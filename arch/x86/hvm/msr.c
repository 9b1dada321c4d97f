/* SPDX-License-Identifier: MIT */
/*
 * MSRs of an HVM guest: a row for each range. What has none is #GP (XSA-351). All are intercepted:
 * the guest reads nothing from the processor but what its own VMCB has.
 */
#include <isola/errno.h>
#include <isola/printk.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/hvm.h>
#include <asm/hvm_policy.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

#define MSR_TSC			0x10u
#define MSR_HYPERCALL_PAGE	0x40000000u
#define MSR_INT_PENDING		0xc0010055u

static bool any(u64 val __maybe_unused)
{
	return true;
}

static bool low_half(u64 val)
{
	return !(val >> 32);
}

/* Registers that are in the vendor's page, and what may be written there. */
static const struct {
	u32 msr;
	enum hvm_reg reg;
	bool (*is_valid)(u64 val);
} held[] = {
	{ MSR_FS_BASE, HVM_FS_BASE, is_canonical },
	{ MSR_GS_BASE, HVM_GS_BASE, is_canonical },
	{ MSR_KERNEL_GS_BASE, HVM_KERNEL_GS_BASE, is_canonical },
	{ MSR_STAR, HVM_STAR, any },
	{ MSR_LSTAR, HVM_LSTAR, is_canonical },
	{ MSR_CSTAR, HVM_CSTAR, is_canonical },
	{ MSR_SFMASK, HVM_SFMASK, low_half },
	{ MSR_SYSENTER_CS, HVM_SYSENTER_CS, any },
	{ MSR_SYSENTER_ESP, HVM_SYSENTER_ESP, is_canonical },
	{ MSR_SYSENTER_EIP, HVM_SYSENTER_EIP, is_canonical },
};

/* What is no different for a PV guest: it says nothing of the CPU's own state. */
static const struct { u32 first, last; } as_pv[] = {
	{ 0x17, 0x17 }, { 0x3a, 0x3a }, { 0x8b, 0x8b },
	{ MSR_ARCH_CAPS, MSR_ARCH_CAPS }, { 0x179, 0x17b }, { 0x1a0, 0x1a0 }, { 0x400, 0x47f },
	{ MSR_TSC_AUX, MSR_TSC_AUX }, { 0xc0010000, 0xc0010007 }, { 0xc0010010, 0xc0010010 },
	{ 0xc0010015, 0xc0010015 }, { 0xc0011029, 0xc0011029 },
};

static bool is_as_pv(u32 msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(as_pv); i++)
		if (msr >= as_pv[i].first && msr <= as_pv[i].last)
			return true;
	return false;
}

static int held_index(u32 msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].msr == msr)
			return i;
	return -1;
}

static bool is_apic(u32 msr)
{
	return msr == MSR_APICBASE || (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST);
}

static bool has_deadlines(void)
{
	return hvm_shows(current->domain, XEN_X86_FEATURE_TSC_DEADLINE);
}

static int read(u32 msr, u64 *val)
{
	int i = held_index(msr);

	if (is_apic(msr))
		return vlapic_rdmsr(msr, val);
	if (i >= 0) {
		*val = hvm->get(held[i].reg);
		return 0;
	}
	switch (msr) {
	case MSR_TSC:
		*val = rdtsc();
		return 0;
	case MSR_INT_PENDING:
		*val = 0;		/* AMD's: nothing of it is switched on. Linux reads it */
		return 0;
	case MSR_EFER:
		*val = hvm->get(HVM_EFER);
		return 0;
	case MSR_TSC_DEADLINE:
		*val = vlapic_deadline();
		return has_deadlines() ? 0 : -EINVAL;
	case MSR_PLATFORM_INFO:
		*val = pv_platform_info(hvm_policy_of(current->domain));
		return 0;
	case MSR_MISC_FEATURES:
		*val = this_vcpu.cpuid_faulting ? CPUID_FAULTING : 0;
		return 0;
	case MSR_PAT:
		*val = this_hvm.pat ? this_hvm.pat : HVM_PAT_RESET;
		return 0;
	default:
		return is_as_pv(msr) ? pv_rdmsr(msr, val) : -EINVAL;
	}
}

static int set_misc_features(u64 val)
{
	if (val & ~CPUID_FAULTING || (val && !pv_platform_info(hvm_policy_of(current->domain))))
		return -EINVAL;
	this_vcpu.cpuid_faulting = val;
	return 0;
}

static int write(u32 msr, u64 val)
{
	int i = held_index(msr);

	if (is_apic(msr))
		return vlapic_wrmsr(msr, val);
	if (i >= 0) {
		if (!held[i].is_valid(val))
			return -EINVAL;
		hvm->set(held[i].reg, val);
		return 0;
	}
	switch (msr) {
	case MSR_EFER:
		return hvm_set_efer(val);
	case MSR_TSC_DEADLINE:
		if (!has_deadlines())
			return -EINVAL;
		vlapic_set_deadline(val);
		return 0;
	case MSR_MISC_FEATURES:
		return set_misc_features(val);
	case MSR_PAT:
		if (!hvm_pat_is_valid(val))
			return -EINVAL;
		this_hvm.pat = val;
		return 0;
	case MSR_HYPERCALL_PAGE:
		/* The page of that number: there is one. */
		return val & ~PAGE_MASK ? -EINVAL : hvm_fill_hypercall_page(val >> PAGE_SHIFT);
	default:
		return is_as_pv(msr) ? pv_wrmsr(msr, val) : -EINVAL;
	}
}

int hvm_rdmsr(u32 msr, u64 *val)
{
	int rc = read(msr, val);

	if (rc)
		guest_debug("RDMSR %#x refused", msr);
	return rc;
}

int hvm_wrmsr(u32 msr, u64 val)
{
	int rc = write(msr, val);

	if (rc && rc != -ERESTART)
		guest_debug("WRMSR %#x refused", msr);
	return rc;
}
