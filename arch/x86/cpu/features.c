/* SPDX-License-Identifier: MIT */
/*
 * CPU features: the one place that asks CPUID what the machine has, and sets each CPU's control
 * registers by it.
 *
 * Everything here is settled on the boot CPU, shrinks to what all CPUs have while they come up
 * (features_common.c), and is constant afterwards; a guest's CR4 is computed from boot_cr4 and
 * never from what hardware happens to hold (SWI-4). CR4.PGE stays 0: a CR3 write flushes all
 * (TLB-7).
 */
#include "features.h"

#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/printk.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/string.h>

#define MSR_PLATFORM_INFO          0xce         /* bit 31: CPUID faulting. SDM vol. 4 */
#define MSR_MISC_FEATURES_ENABLES  0x140        /* bit 0 */

u32 cpu_features[NR_FEATURE_WORDS];
struct cpu_facts cpu_facts;
u64 boot_cr4;

/* Which register of which leaf each word of the table is. */
const struct word_source word_source[NR_FEATURE_WORDS] = {
	[FW_1D]   = { 1, 0, 3 },
	[FW_1C]   = { 1, 0, 2 },
	[FW_E1D]  = { 0x80000001, 0, 3 },
	[FW_E1C]  = { 0x80000001, 0, 2 },
	[FW_DA1]  = { 0xd, 1, 0 },
	[FW_7B0]  = { 7, 0, 1 },
	[FW_7C0]  = { 7, 0, 2 },
	[FW_E7D]  = { 0x80000007, 0, 3 },
	[FW_E8B]  = { 0x80000008, 0, 1 },
	[FW_7D0]  = { 7, 0, 3 },
	[FW_7A1]  = { 7, 1, 0 },
	[FW_E21A] = { 0x80000021, 0, 0 },
};

/* Without these we do not start. The reason is for the person at the console. */
static const struct { u16 feature; const char *name, *why; } required[] = {
#define NEED(f, why) { XEN_X86_FEATURE_##f, #f, why }
	NEED(FPU,     "guests use the FPU"),
	NEED(TSC,     "it is the clock"),
	NEED(MSR,     "entry points are set by MSRs"),
	NEED(PAE,     "long mode pages need it"),
	NEED(CX8,     "guests and locks use CMPXCHG8B"),
	NEED(APIC,    "the local APIC gives timer and cross-CPU interrupts"),
	NEED(CMOV,    "the code is compiled with it"),
	NEED(PAT,     "memory types are fixed through it"),
	NEED(CLFLUSH, "caches are flushed by line"),
	NEED(FXSR,    "FPU state is switched with it"),
	NEED(SSE,     "the 64-bit ABI uses it"),
	NEED(SSE2,    "the 64-bit ABI uses it"),
	NEED(SYSCALL, "hypercalls arrive by it"),
	NEED(NX,      "no page may be writable and executable"),
	NEED(LM,      "this is 64-bit code"),
#undef NEED
};

/* CR4 bits wanted on every CPU, each if the feature is there. */
static const struct { u16 feature; u64 bit; } cr4_wanted[] = {
	{ XEN_X86_FEATURE_DE,       CR4_DE },
	{ XEN_X86_FEATURE_MCE,      CR4_MCE },
	{ XEN_X86_FEATURE_UMIP,     CR4_UMIP },
	{ XEN_X86_FEATURE_FSGSBASE, CR4_FSGSBASE },
	{ XEN_X86_FEATURE_SMEP,     CR4_SMEP },
	{ XEN_X86_FEATURE_SMAP,     CR4_SMAP },
};

/*
 * Features that are there and do harm, by the hypervisor or emulator we run on. TCG applies SMAP to
 * what IRET pops in ring 3, as if the kernel had touched it: Linux does that while it patches
 * itself.
 */
static const struct { char id[13]; u16 feature; const char *why; } unfit[] = {
	{ "TCGTCGTCGTCG", XEN_X86_FEATURE_SMAP,
	  "SMAP is not used: this emulator applies it to IRET in ring 3 (smap=on to use it)" },
};

/*
 * smap=<bool>: use SMAP or do not, whatever the table above says. smap=hvm, as with Xen: HVM guests
 * may, the hypervisor does not.
 */
static int smap_wanted = -1;

static int parse_smap(const char *value)
{
	int on = *value ? cmdline_parse_bool(value, NULL) : 1;

	if (cmdline_is(value, NULL, "hvm"))
		on = 0;
	if (on < 0)
		return -EINVAL;
	smap_wanted = on;
	return 0;
}
CMDLINE_CUSTOM("smap", parse_smap);

/* What the log names, when there. */
static const struct { u16 feature; const char *name; } logged[] = {
#define LOG(f) { XEN_X86_FEATURE_##f, #f }
	LOG(NX), LOG(SMEP), LOG(SMAP), LOG(UMIP), LOG(FSGSBASE), LOG(XSAVE), LOG(AVX), LOG(AVX512F),
	LOG(PCID), LOG(X2APIC), LOG(TSC_DEADLINE), LOG(ITSC), LOG(PAGE1GB), LOG(RDTSCP), LOG(ERMS),
#undef LOG
};

static bool says_leaf(const struct cpu_says *s, u32 leaf)
{
	return leaf >> 31 ? leaf <= s->max_extended : leaf <= s->max_basic;
}

static bool leaf_exists(u32 leaf)
{
	return leaf >> 31 ? leaf <= cpu_facts.max_extended : leaf <= cpu_facts.max_basic;
}

static void read_words(struct cpu_says *s)
{
	for (unsigned int i = 0; i < NR_FEATURE_WORDS; i++) {
		u32 leaf = word_source[i].leaf, subleaf = word_source[i].subleaf;
		struct cpuid_regs r;

		s->words[i] = 0;
		if (!says_leaf(s, leaf) || (leaf == 7 && subleaf > cpuid(7, 0).eax))
			continue;
		r = cpuid(leaf, subleaf);
		s->words[i] = ((const u32 *)&r)[word_source[i].reg];
	}
}

static enum cpu_vendor read_vendor(void)
{
	static const struct { char id[13]; enum cpu_vendor vendor; } known[] = {
		{ "GenuineIntel", VENDOR_INTEL },
		{ "AuthenticAMD", VENDOR_AMD },
		{ "HygonGenuine", VENDOR_HYGON },
		{ "CentaurHauls", VENDOR_CENTAUR },
		{ "  Shanghai  ", VENDOR_CENTAUR },
	};
	struct cpuid_regs r = cpuid(0, 0);
	u32 id[3] = { r.ebx, r.edx, r.ecx };

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		if (!memcmp(id, known[i].id, sizeof(id)))
			return known[i].vendor;
	return VENDOR_OTHER;
}

static void drop(struct cpu_says *s, unsigned int feature)
{
	s->words[feature / 32] &= ~(1u << feature % 32);
}

static void drop_unfit(struct cpu_says *s)
{
	bool emulated = says_feature(s, XEN_X86_FEATURE_HYPERVISOR);
	struct cpuid_regs r = emulated ? cpuid(0x40000000, 0) : (struct cpuid_regs){ 0 };
	u32 id[3] = { r.ebx, r.ecx, r.edx };

	if (smap_wanted == 0)
		drop(s, XEN_X86_FEATURE_SMAP);
	for (unsigned int i = 0; i < ARRAY_SIZE(unfit); i++) {
		if (memcmp(id, unfit[i].id, sizeof(id)) || !says_feature(s, unfit[i].feature))
			continue;
		if (unfit[i].feature == XEN_X86_FEATURE_SMAP && smap_wanted == 1)
			continue;
		if (!cpu_facts.signature)		/* the boot CPU: told once */
			pr_info("cpu: %s", unfit[i].why);
		drop(s, unfit[i].feature);
	}
}

void cpu_ask(struct cpu_says *s)
{
	s->vendor = read_vendor();
	s->max_basic = cpuid(0, 0).eax;
	s->max_extended = cpuid(0x80000000, 0).eax;
	if (s->max_extended >> 16 != 0x8000)
		s->max_extended = 0;
	s->signature = cpuid(1, 0).eax;
	read_words(s);
	drop_unfit(s);
}

static void read_model(u32 eax)
{
	cpu_facts.stepping = eax & 15;
	cpu_facts.model = eax >> 4 & 15;
	cpu_facts.family = eax >> 8 & 15;
	if (cpu_facts.family == 6 || cpu_facts.family == 15)
		cpu_facts.model += (eax >> 16 & 15) << 4;
	if (cpu_facts.family == 15)
		cpu_facts.family += eax >> 20 & 0xff;
}

static void read_address_width(void)
{
	cpu_facts.phys_bits = 36;
	cpu_facts.virt_bits = 48;
	if (leaf_exists(0x80000008)) {
		u32 eax = cpuid(0x80000008, 0).eax;

		cpu_facts.phys_bits = eax & 0xff;
		cpu_facts.virt_bits = eax >> 8 & 0xff;
	}
}

/* SMT. Leaf 0BH, sub-leaf 0 is the thread level (type 1); AMD before it: 8000001EH EBX. */
static void read_threads(void)
{
	struct cpuid_regs r = { 0 };

	cpu_facts.threads_per_core = 1;
	if (leaf_exists(0xb))
		r = cpuid(0xb, 0);
	if ((r.ecx >> 8 & 0xff) == 1)
		cpu_facts.threads_per_core = max(r.ebx & 0xffff, 1u);
	else if (cpu_has(TOPOEXT) && leaf_exists(0x8000001e))
		cpu_facts.threads_per_core = (cpuid(0x8000001e, 0).ebx >> 8 & 0xff) + 1;
}

static void check_required(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(required); i++) {
		if (!cpu_has_feature(required[i].feature))
			fatal("this CPU lacks %s: %s", required[i].name, required[i].why);
		cpu_need(required[i].feature, required[i].name, required[i].why);
	}
	if (cpu_facts.virt_bits < 48)
		fatal("this CPU has only %u bits of virtual address: 48 are needed",
		      cpu_facts.virt_bits);
}

/* After cpu_features and cpu_facts.xcr0 have changed. */
void cpu_features_settle(void)
{
	boot_cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	for (unsigned int i = 0; i < ARRAY_SIZE(cr4_wanted); i++)
		if (cpu_has_feature(cr4_wanted[i].feature))
			boot_cr4 |= cr4_wanted[i].bit;
	if (cpu_facts.xcr0)
		boot_cr4 |= CR4_OSXSAVE;
}

void cpu_features_log(void)
{
	static const char *const vendor_name[] = {
		[VENDOR_INTEL] = "Intel", [VENDOR_AMD] = "AMD", [VENDOR_HYGON] = "Hygon",
		[VENDOR_CENTAUR] = "Centaur", [VENDOR_OTHER] = "unknown vendor",
	};
	char line[160] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(logged); i++) {
		if (!cpu_has_feature(logged[i].feature) || at >= sizeof(line) - 1)
			continue;
		line[at++] = ' ';
		at += strlcpy(line + at, logged[i].name, sizeof(line) - at);
	}
	pr_info("cpu: %s family %#x model %#x stepping %u, addresses of %u bits, virtual %u",
		vendor_name[cpu_facts.vendor], cpu_facts.family, cpu_facts.model,
		cpu_facts.stepping, cpu_facts.phys_bits, cpu_facts.virt_bits);
	pr_info("cpu: has%s", line);
	pr_info("cpu: CR4 %#lx, XCR0 %#lx, FPU images of %u bytes", boot_cr4, cpu_facts.xcr0,
		cpu_facts.xsave_bytes);
}

void cpu_features_read(void)
{
	struct cpu_says s;

	cpu_ask(&s);
	cpu_facts.max_basic = s.max_basic;
	cpu_facts.max_extended = s.max_extended;
	cpu_facts.vendor = s.vendor;
	cpu_facts.signature = s.signature;
	memcpy(cpu_features, s.words, sizeof(cpu_features));
	read_model(s.signature);
	read_address_width();
	read_threads();
	check_required();
}

/* Intel only; the MSRs are absent on most parts and in emulators. Ring 0 is never affected. */
static void start_cpuid_faulting(void)
{
	u64 info, misc;

	if (cpu_facts.vendor != VENDOR_INTEL || rdmsr_safe(MSR_PLATFORM_INFO, &info) ||
	    !(info & 1ul << 31))
		return;
	if (rdmsr_safe(MSR_MISC_FEATURES_ENABLES, &misc) ||
	    wrmsr_safe(MSR_MISC_FEATURES_ENABLES, misc | CPUID_FAULTING))
		fatal("CPU %u cannot make CPUID fault as it says it can", smp_cpu_id());
	if (!cpu_facts.cpuid_faulting)
		pr_info("cpu: CPUID faults for guests");
	cpu_facts.cpuid_faulting = true;
}

void cpu_features_load_cr4(void)
{
	write_cr4(boot_cr4);
	this_cpu.cr4 = boot_cr4;
}

void cpu_features_enable(void)
{
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	cpu_features_load_cr4();
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	wrmsr(MSR_PAT, HV_PAT);
	start_cpuid_faulting();
}

u64 pv_guest_cr4(const struct vcpu_private *v)
{
	return (boot_cr4 & ~CR4_FSGSBASE) | (v->cr4 & (CR4_TSD | (boot_cr4 & CR4_FSGSBASE)));
}
