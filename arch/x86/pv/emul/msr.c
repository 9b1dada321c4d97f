/* SPDX-License-Identifier: MIT */
/*
 * MSRs as a guest kernel sees them: an allow-list, one row per register or range; everything else
 * is #GP (SEG-3).
 *
 * A row without a writer is read-only. Hardware that may lack a register is read through the
 * guarded helper. Values are those the reference hypervisor gives:
 * docs/abi/privileged-instructions.md.
 * Sources: SDM vol. 4; AMD PPR; Linux's and 4.17's measured behaviour.
 */
#include <asm/cpuid_policy.h>
#include <asm/own_policy.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/vcpu.h>

#define APIC_BASE_BSP        (1ul << 8)
#define APIC_BASE_ENABLE     (1ul << 11)
#define APIC_BASE_DEFAULT    0xfee00000ul
#define CPUID_FAULTING_CAP   (1ul << 31)        /* PLATFORM_INFO */
#define EFER_FFXSR           (1ul << 14)
#define DE_CFG_LFENCE        (1ul << 1)         /* LFENCE is serialising */

/* MISC_ENABLE: no performance monitoring, no MONITOR; BTS and PEBS unavailable; xTPR off. */
#define MISC_ENABLE_HIDDEN   (1ul << 7 | 1ul << 18)
#define MISC_ENABLE_FORCED   (1ul << 11 | 1ul << 12 | 1ul << 23)

/* ARCH_CAPABILITIES: the "not affected by" bits that hold for a guest as for us, and FB_CLEAR. */
#define CAP(name) (1ul << (XEN_X86_FEATURE_##name % 32))
#define ARCH_CAPS_SHOWN (CAP(RDCL_NO) | CAP(INTEL_SSB_NO) | CAP(MDS_NO) | CAP(IF_PSCHANGE_MC_NO) | \
			 CAP(TAA_NO) | CAP(SBDR_SSDP_NO) | CAP(FBSDP_NO) | CAP(PSDP_NO) | \
			 CAP(FB_CLEAR))

static bool is_intel(void)
{
	return cpu_facts.vendor == VENDOR_INTEL || cpu_facts.vendor == VENDOR_CENTAUR;
}

static int read_zero(u32 msr __maybe_unused, u64 *val)
{
	*val = 0;
	return 0;
}

static int write_ignored(u32 msr __maybe_unused, u64 val __maybe_unused)
{
	return 0;
}

static int read_zero_amd(u32 msr, u64 *val)
{
	return cpu_is_amd() ? read_zero(msr, val) : -EINVAL;
}

static int write_ignored_amd(u32 msr, u64 val)
{
	return cpu_is_amd() ? write_ignored(msr, val) : -EINVAL;
}

static int read_hardware(u32 msr, u64 *val)
{
	return rdmsr_safe(msr, val) ? -EINVAL : 0;
}

/*
 * Segment bases are live in hardware while the guest's kernel runs: GS is the kernel's, KERNEL_GS
 * the user's.
 */
static int read_base(u32 msr, u64 *val)
{
	*val = rdmsr(msr);
	return 0;
}

static int write_base(u32 msr, u64 val)
{
	if (!is_canonical(val))         /* WRMSR would fault in ring 0 (XSA-193) */
		return -EINVAL;
	wrmsr(msr, val);
	return 0;
}

static int read_tsc(u32 msr __maybe_unused, u64 *val)
{
	*val = rdtsc();
	return 0;
}

static int read_platform_id(u32 msr, u64 *val)
{
	return is_intel() ? read_hardware(msr, val) : -EINVAL;
}

static int read_apic_base(u32 msr __maybe_unused, u64 *val)
{
	*val = APIC_BASE_DEFAULT | APIC_BASE_ENABLE | (current->id == 0 ? APIC_BASE_BSP : 0);
	return 0;
}

/* Locked, with nothing enabled. */
static int read_feature_control(u32 msr __maybe_unused, u64 *val)
{
	*val = 1;
	return is_intel() ? 0 : -EINVAL;
}

/* Microcode is the hypervisor's. Intel's way to read the revision starts by writing 0 there. */
static int write_microcode_revision(u32 msr __maybe_unused, u64 val)
{
	return is_intel() && val == 0 ? 0 : -EINVAL;
}

u64 pv_platform_info(const struct own_policy *own)
{
	return (own ? own->faulting : cpu_facts.cpuid_faulting) ? CPUID_FAULTING_CAP : 0;
}

static bool offers_faulting(void)
{
	return pv_platform_info(current->domain->cpu_policy);
}

static int read_platform_info(u32 msr __maybe_unused, u64 *val)
{
	*val = pv_platform_info(current->domain->cpu_policy);
	return is_intel() ? 0 : -EINVAL;
}

u64 pv_arch_caps(const struct own_policy *own)
{
	u64 val;

	if (!cpu_has(ARCH_CAPS) || read_hardware(MSR_ARCH_CAPS, &val))
		return 0;
	return val & ARCH_CAPS_SHOWN & (own ? own->arch_caps : ~0ul);
}

static int read_arch_caps(u32 msr __maybe_unused, u64 *val)
{
	if (!policy_shows(ARCH_CAPS))
		return -EINVAL;
	*val = pv_arch_caps(current->domain->cpu_policy);
	return 0;
}

static int read_misc_features(u32 msr __maybe_unused, u64 *val)
{
	*val = this_vcpu.cpuid_faulting ? CPUID_FAULTING : 0;
	return is_intel() ? 0 : -EINVAL;
}

static int write_misc_features(u32 msr __maybe_unused, u64 val)
{
	if (!is_intel() || val & ~CPUID_FAULTING || (val && !offers_faulting()))
		return -EINVAL;
	this_vcpu.cpuid_faulting = val;
	return 0;
}

static int read_misc_enable(u32 msr, u64 *val)
{
	if (!is_intel() || read_hardware(msr, val))
		return -EINVAL;
	*val = (*val & ~MISC_ENABLE_HIDDEN) | MISC_ENABLE_FORCED;
	return 0;
}

static int read_pat(u32 msr __maybe_unused, u64 *val)
{
	*val = HV_PAT;
	return 0;
}

static int read_efer(u32 msr, u64 *val)
{
	*val = rdmsr(msr) & (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_FFXSR);
	return 0;
}

static int read_tsc_aux(u32 msr __maybe_unused, u64 *val)
{
	*val = this_vcpu.tsc_aux;
	return policy_shows(RDTSCP) || policy_shows(RDPID) ? 0 : -EINVAL;
}

static int write_tsc_aux(u32 msr, u64 val)
{
	if (!(policy_shows(RDTSCP) || policy_shows(RDPID)) || val >> 32)
		return -EINVAL;
	this_vcpu.tsc_aux = val;
	wrmsr(msr, val);
	return 0;
}

static int read_de_cfg(u32 msr __maybe_unused, u64 *val)
{
	*val = DE_CFG_LFENCE;
	return cpu_is_amd() ? 0 : -EINVAL;
}

/* Constants: writing what is there already is no change. */
static int write_same(u32 msr, u64 val);

static const struct row {
	u32 first, last;
	int (*read)(u32 msr, u64 *val);
	int (*write)(u32 msr, u64 val);
} rows[] = {
	/* Those that a running kernel asks for are first. */
	{ MSR_EFER, MSR_EFER, read_efer, write_same },
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, read_base, write_base },
	{ 0x10, 0x10, read_tsc, NULL },
	{ 0x17, 0x17, read_platform_id, NULL },
	{ MSR_APIC_BASE, MSR_APIC_BASE, read_apic_base, NULL },
	{ 0x3a, 0x3a, read_feature_control, NULL },
	{ 0x8b, 0x8b, read_hardware, write_microcode_revision },
	{ MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, read_platform_info, NULL },
	{ MSR_ARCH_CAPS, MSR_ARCH_CAPS, read_arch_caps, NULL },
	{ 0x140, 0x140, read_misc_features, write_misc_features },
	{ 0x179, 0x17b, read_zero, write_ignored },                     /* MCG_CAP: no banks; .. */
	{ 0x1a0, 0x1a0, read_misc_enable, write_same },
	{ MSR_PAT, MSR_PAT, read_pat, write_same },
	{ 0x400, 0x47f, read_zero, write_ignored },                     /* MCi_CTL .. MCi_MISC */
	{ MSR_TSC_AUX, MSR_TSC_AUX, read_tsc_aux, write_tsc_aux },
	{ 0xc0010000, 0xc0010007, read_zero_amd, write_ignored_amd },   /* performance counters */
	{ 0xc0010010, 0xc0010010, read_zero_amd, NULL },                /* SYSCFG */
	{ 0xc0010015, 0xc0010015, read_zero_amd, write_ignored_amd },   /* HWCR */
	{ 0xc0011029, 0xc0011029, read_de_cfg, write_ignored_amd },
};

static const struct row *find_row(u32 msr)
{
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
		if (msr >= row->first && msr <= row->last)
			return row;
	return NULL;
}

static int write_same(u32 msr, u64 val)
{
	u64 now;

	return find_row(msr)->read(msr, &now) || now != val ? -EINVAL : 0;
}

/*
 * dom0=msr-relaxed: may the guest go on as if it had @msr, of which there is no row, or none
 * that says what a write does? If the processor has such a register, as with Xen. @what happens is
 * for the log.
 */
static bool goes_on(u32 msr, const char *what)
{
	u64 ignored;

	if (!current->domain->msr_relaxed || rdmsr_safe(msr, &ignored))
		return false;
	guest_warn("MSR %#x is not known: %s (msr-relaxed)", msr, what);
	return true;
}

int pv_rdmsr(u32 msr, u64 *val)
{
	const struct row *row = find_row(msr);
	int rc = row ? row->read(msr, val) : -EINVAL;

	if (!row && goes_on(msr, "it reads as 0")) {
		*val = 0;
		return 0;
	}
	if (rc) {
		*val = 0;
		guest_debug("RDMSR %#x refused", msr);
	}
	return rc;
}

int pv_wrmsr(u32 msr, u64 val)
{
	const struct row *row = find_row(msr);
	int rc = row && row->write ? row->write(msr, val) : -EINVAL;

	if (!(row && row->write) && goes_on(msr, "the write is ignored"))
		return 0;
	if (rc)
		guest_debug("WRMSR %#x refused", msr);
	return rc;
}
