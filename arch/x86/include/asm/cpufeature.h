/* SPDX-License-Identifier: MIT */
/*
 * CPU features: what this machine's CPUs can do, all of them.
 *
 * The tables are written from CPUID on the boot CPU, shrink with each other CPU that has less, and
 * are read-only when the first domain is made. Names and numbers of the bits are those of the ABI's
 * <xen/arch-x86/cpufeatureset.h>: word * 32 + bit.
 * Sources: SDM vol. 2 CPUID, vol. 3 §2.5 (CR4), §12.12 (PAT), vol. 1 §13.3 (XCR0); APM vol. 3
 * appendix E.
 */
#pragma once

#include <isola/types.h>
#include <xen/arch-x86/cpufeatureset.h>

struct vcpu_private;

/* The words of the feature table; each is one register of one CPUID leaf. */
enum feature_word {
	FW_1D, FW_1C, FW_E1D, FW_E1C, FW_DA1, FW_7B0, FW_7C0, FW_E7D,
	FW_E8B, FW_7D0, FW_7A1, FW_E21A,
	NR_FEATURE_WORDS,
};

extern u32 cpu_features[NR_FEATURE_WORDS];

static inline bool cpu_has_feature(unsigned int feature)
{
	return cpu_features[feature / 32] & 1u << feature % 32;
}

/* cpu_has(SMAP): the ABI's name without its prefix. */
#define cpu_has(name) cpu_has_feature(XEN_X86_FEATURE_##name)

enum cpu_vendor { VENDOR_INTEL, VENDOR_AMD, VENDOR_HYGON, VENDOR_CENTAUR, VENDOR_OTHER };

struct cpu_facts {
	enum cpu_vendor vendor;
	u32 signature;                  /* leaf 1 EAX of the boot CPU */
	u32 family, model, stepping;    /* display values: extended fields added in */
	u32 max_basic, max_extended;    /* highest CPUID leaves */
	u32 phys_bits, virt_bits;
	u32 threads_per_core;           /* 1: no SMT */
	bool cpuid_faulting;            /* CPUID from ring 3 can be, and is, made to fault */
	u64 xcr0;                       /* components guests may use; 0: no XSAVE. All are saved */
	u32 xsave_bytes;                /* size of an XSAVE image with all of them */
};

extern struct cpu_facts cpu_facts;

static inline bool cpu_is_amd(void)
{
	return cpu_facts.vendor == VENDOR_AMD || cpu_facts.vendor == VENDOR_HYGON;
}

/* Does the range of addresses below 1 TiB belong to the links between processors? */
static inline bool cpu_has_hypertransport(void) { return cpu_is_amd(); }

/*
 * CR4 as each CPU holds it while no guest setting is applied. Constant once all CPUs are up
 * (SWI-4). PGE is never in it.
 */
extern u64 boot_cr4;

/* XCR0 components this hypervisor knows how to keep in the two pages of this_vcpu_fpu. */
#define XCR0_X87       (1ul << 0)
#define XCR0_SSE       (1ul << 1)
#define XCR0_AVX       (1ul << 2)
#define XCR0_AVX512    (7ul << 5)               /* opmask, ZMM_Hi256, Hi16_ZMM: all or none */
#define XCR0_KNOWN     (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

/*
 * The PAT all CPUs and guests use: entries 0 WB, 1 WT, 2 UC-, 3 UC, 4 WC, 5 WP, 6 UC, 7 UC. Fixed
 * by the ABI.
 */
#define HV_PAT         0x0000050100070406ul

/*
 * For cpu_init.c, in this order. Read CPUID into the tables; settle boot_cr4 by them and the FPU's,
 * log what was found. Boot CPU, once.
 */
void cpu_features_read(void);
void cpu_features_settle(void);
void cpu_features_log(void);
/* CR0, CR4, EFER, PAT of the calling CPU, and CPUID faulting where there is any. */
void cpu_features_enable(void);
/* CR4 alone, as it was settled last. */
void cpu_features_load_cr4(void);

/*
 * From now on the hypervisor uses @feature, which the boot CPU has: a CPU without it is refused
 * with @name and @why. Boot CPU, before the others start.
 */
void cpu_need(unsigned int feature, const char *name, const char *why);

/*
 * CR4 while the guest with settings @v runs: boot_cr4 and, of the guest's own choice, TSD and
 * FSGSBASE. Pure (SWI-4).
 */
u64 pv_guest_cr4(const struct vcpu_private *v);
