/* SPDX-License-Identifier: MIT */
/*
 * VMX on a CPU: what must be there, in tables; IA32_FEATURE_CONTROL; VMXON, at the first use; and
 * which VMCS the CPU has. SDM vol. 3 §23.6 to §23.8, §24.11, appendix A.
 */
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/panic.h>
#include <isola/printk.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/ipi.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/precondition.h>
#include "vmcs.h"

#define MSR_FEATURE_CONTROL	0x3a
#define FEATURE_LOCKED		(1ul << 0)
#define FEATURE_VMX		(1ul << 2)	/* outside SMX */
#define MSR_VMX_BASIC		0x480
#define BASIC_MEMORY_TYPE(x)	((x) >> 50 & 15)
#define MEMORY_WB		6u
#define BASIC_TRUE_CONTROLS	(1ul << 55)
#define MSR_VMX_CR0_ONES	0x486		/* must be one; the next: may be */
#define MSR_VMX_CR4_ONES	0x488
#define MSR_VMX_SECONDARY	0x48b
#define MSR_VMX_EPT		0x48c
#define MSR_VMX_TRUE_PIN	0x48d		/* primary, exit, entry follow */
#define ARCH_CAP_NO_ITLB_CHECK	(1ul << 6)	/* IF_PSCHANGE_MC_NO */

/* Whatever EPT and VPID must be able to do. */
static const struct { u64 bit; const char *name; } ept_needs[] = {
	{ 1ul << 6, "EPT of four levels" }, { 1ul << 14, "EPT tables in write-back memory" },
	{ 1ul << 16, "EPT leaves of 2 MiB" }, { 1ul << 20, "INVEPT" },
	{ 1ul << 25, "INVEPT of one context" }, { 1ul << 26, "INVEPT of all contexts" },
	{ 1ul << 32, "INVVPID" }, { 1ul << 41, "INVVPID of one context" },
	{ 1ul << 42, "INVVPID of all contexts" },
};

/*
 * Controls that are on, that may be, and that must not be: what nobody handles. Where @name is
 * NULL it is on where it can be.
 */
enum control { PIN, PRIMARY, EXIT, ENTRY, SECONDARY, NR_CONTROLS };
static const struct { u8 control, bit; bool on; const char *name; } controls[] = {
	{ PIN, 0, true, "exits by interrupts" }, { PIN, 3, true, "exits by NMIs" },
	{ PIN, 5, true, "virtual NMIs" },
	{ PRIMARY, 7, true, "exits by HLT" }, { PRIMARY, 9, false, "INVLPG without exits" },
	{ PRIMARY, 10, true, "exits by MWAIT" }, { PRIMARY, 11, true, "exits by RDPMC" },
	{ PRIMARY, 12, false, "RDTSC without exits" },
	{ PRIMARY, 15, false, "writes of CR3 without exits" },
	{ PRIMARY, 16, false, "reads of CR3 without exits" },
	{ PRIMARY, 19, false, "writes of CR8 without exits" },
	{ PRIMARY, 20, false, "reads of CR8 without exits" },
	{ PRIMARY, 21, true, "a shadow of the TPR" }, { PRIMARY, 23, true, "exits by MOV DR" },
	{ PRIMARY, 24, true, "exits by ports" }, { PRIMARY, 29, true, "exits by MONITOR" },
	{ PRIMARY, 31, true, "secondary controls" },
	{ EXIT, 9, true, "64-bit hosts" }, { EXIT, 15, false, "interrupts left pending" },
	{ EXIT, 21, true, "EFER loaded at exits" },
	{ ENTRY, 2, true, "DR7 loaded at entries" }, { ENTRY, 15, true, "EFER loaded at entries" },
	{ SECONDARY, 1, true, "EPT" }, { SECONDARY, 3, true, NULL /* RDTSCP */ },
	{ SECONDARY, 5, true, "VPID" }, { SECONDARY, 6, true, "exits by WBINVD" },
	{ SECONDARY, 7, true, "unrestricted guests" },
};

struct vmx_controls vmx_controls;

/* Of each CPU: its region of VMXON, of class cpu, mapped nowhere; and, by itself alone... */
static struct {
	mfn_t region;
	bool is_on;
	u64 vmcs;			/* ...the VMCS that it has; 0: none */
	const char *refusal;		/* of check_cpu(), there; NULL: none */
} vmx_cpus[CONFIG_NR_CPUS];

/* ---- What there is --------------------------------------------------------------------------- */

static u64 capability(enum control c)
{
	return rdmsr(c == SECONDARY ? MSR_VMX_SECONDARY : MSR_VMX_TRUE_PIN + c);
}

/*
 * The value of control @c: what must be one (the low half), and what is wanted of what may be (the
 * high half). What is missing: *@why.
 */
static u32 settle(enum control c, const char **why)
{
	u64 cap = capability(c);
	u32 val = (u32)cap;

	for (unsigned i = 0; i < ARRAY_SIZE(controls); i++) {
		u32 bit = 1u << controls[i].bit;

		if (controls[i].control != c)
			continue;
		if (controls[i].on && cap >> 32 & bit)
			val |= bit;
		if (controls[i].name && !(val & bit) == controls[i].on)
			*why = controls[i].name;
	}
	return val;
}

static void settle_all(struct vmx_controls *v, const char **why)
{
	v->pin = settle(PIN, why);
	v->primary = settle(PRIMARY, why);
	v->exit = settle(EXIT, why);
	v->entry = settle(ENTRY, why);
	v->secondary = v->primary >> 31 ? settle(SECONDARY, why) : 0;
	/* An unrestricted guest need not have PE and PG. */
	v->cr0_ones = rdmsr(MSR_VMX_CR0_ONES) & ~(u64)(CR0_PE | CR0_PG);
	/* With CR4.MCE clear a machine check would stop the machine, whatever the guest sees. */
	v->cr4_ones = rdmsr(MSR_VMX_CR4_ONES) | (boot_cr4 & CR4_MCE);
	v->revision = (u32)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
}

static const char *what_lacks(void)
{
	u64 basic = rdmsr(MSR_VMX_BASIC), ept;
	struct vmx_controls c;
	const char *why = NULL;

	if (!(basic & BASIC_TRUE_CONTROLS))
		return "exits that can be switched off";
	if (BASIC_MEMORY_TYPE(basic) != MEMORY_WB)
		return "a VMCS in write-back memory";
	settle_all(&c, &why);
	if (why)
		return why;
	ept = rdmsr(MSR_VMX_EPT);
	for (unsigned i = 0; i < ARRAY_SIZE(ept_needs); i++)
		if (!(ept & ept_needs[i].bit))
			return ept_needs[i].name;
	return c.revision == vmx_controls.revision ? NULL : "the VMCS of the first CPU";
}

/* §23.7. Locked by the firmware, with VMX or without; or we do it. */
static bool is_switched_off(void)
{
	u64 val;

	if (rdmsr_safe(MSR_FEATURE_CONTROL, &val))
		return true;
	if (!(val & FEATURE_LOCKED)) {
		val |= FEATURE_LOCKED | FEATURE_VMX;
		return wrmsr_safe(MSR_FEATURE_CONTROL, val);
	}
	return !(val & FEATURE_VMX);
}

static void check_cpu(const u64 *payload __maybe_unused)
{
	const char **refusal = &vmx_cpus[smp_cpu_id()].refusal;

	*refusal = what_lacks();
	if (!*refusal && is_switched_off())
		*refusal = "";
}

static bool make_regions(void)
{
	for (unsigned i = 0; i < nr_cpus; i++) {
		mfn_t m = page_alloc(ALLOC_CPU, 0, 0);
		u32 *region;

		if (!mfn_is_valid_num(m))
			return false;
		region = map_domain_page(m);
		memset(region, 0, PAGE_SIZE);
		*region = vmx_controls.revision;
		unmap_domain_page(region);
		vmx_cpus[i].region = m;
	}
	return true;
}

const char *vmx_check(void)
{
	static char vmx_lacks[80];
	u64 others[IPI_CPU_WORDS] = { 0 };
	const char *none = NULL;

	for (unsigned i = 0; i < nr_cpus; i++)
		if (i != smp_cpu_id())
			others[i / 64] |= 1ul << i % 64;
	settle_all(&vmx_controls, &none);
	ipi_set_function(IPI_VMX_CHECK, check_cpu);
	ipi_call(others, IPI_VMX_CHECK, NULL, 0);
	check_cpu(NULL);
	for (unsigned i = 0; i < nr_cpus; i++) {
		const char *lacks = vmx_cpus[i].refusal;

		if (!lacks)
			continue;
		if (!*lacks)
			return "the firmware has switched VMX off";
		snprintf(vmx_lacks, sizeof(vmx_lacks), "the CPU's VMX lacks %s", lacks);
		return vmx_lacks;
	}
	if ((read_cr0() & vmx_controls.cr0_ones) != vmx_controls.cr0_ones)
		return "VMX wants bits in CR0 that are not set";
	return make_regions() ? NULL : "there is no memory for its CPUs";
}

/* Intel, "Affected Processors": its small cores, and Knights. */
static const u8 small_cores[] = {
	0x1c, 0x26, 0x27, 0x35, 0x36, 0x37, 0x4a, 0x4c, 0x4d, 0x5a, 0x5d, 0x75, 0x57, 0x85, 0x5c,
	0x5f, 0x7a, 0x86, 0x96, 0x9c,
};

/*
 * ITLB multihit: Intel's big cores, but those that say that they are not affected. What is not
 * known is taken to be.
 */
bool vmx_must_split(void)
{
	u64 caps = 0;

	if (cpu_has(ARCH_CAPS) && rdmsr_safe(MSR_ARCH_CAPS, &caps))
		caps = 0;
	if (cpu_facts.vendor != VENDOR_INTEL || caps & ARCH_CAP_NO_ITLB_CHECK)
		return false;
	for (unsigned i = 0; i < sizeof(small_cores); i++)
		if (cpu_facts.family == 6 && cpu_facts.model == small_cores[i])
			return false;
	return true;
}

/* ---- The VMCS of this CPU -------------------------------------------------------------------- */

static void vmx_failed(const char *what, u64 maddr)
{
	panic("%s %lx failed on CPU %u", what, maddr, smp_cpu_id());
}

#define VMX_INSN(insn, maddr)							\
	do {									\
		u64 operand = (maddr);						\
		bool failed;							\
		asm volatile (insn " %1" : "=@ccna"(failed) : "m"(operand)	\
			      : "memory");					\
		if (unlikely(failed))						\
			vmx_failed(insn, operand);				\
	} while (0)

/* What firmware's or a former hypervisor's use has left in the TLB goes. */
static void flush_everything(void)
{
	const struct { u64 what, more; } none = { 0 };

	asm volatile ("invept %0, %1" :: "m"(none), "r"(2ul) : "cc", "memory");
	asm volatile ("invvpid %0, %1" :: "m"(none), "r"(2ul) : "cc", "memory");
}

/*
 * CR4 is written even if it should have VMXE: in Bochs that was gone when dom0's Linux had booted,
 * without a write of ours. What firmware does in system-management mode is nobody's to see.
 */
static void switch_on(unsigned cpu)
{
	this_cpu.cr4 |= CR4_VMXE;
	write_cr4(this_cpu.cr4);
	VMX_INSN("vmxon", mfn_to_maddr(vmx_cpus[cpu].region));
	flush_everything();
	vmx_cpus[cpu].is_on = true;
}

/*
 * INIT is blocked in VMX operation (§23.8): without this a reset by it would leave a CPU behind. In
 * any context; the CPU enters no guest any more.
 */
void vmx_off(void)
{
	unsigned cpu = smp_cpu_id();

	if (vmx_cpus[cpu].is_on)
		asm volatile ("vmxoff" ::: "cc", "memory");
	vmx_cpus[cpu].is_on = false;
}

u64 vmx_load(u64 maddr)
{
	unsigned cpu = smp_cpu_id();
	u64 was = vmx_cpus[cpu].vmcs;

	ASSERT_IRQS_OFF();
	if (unlikely(!vmx_cpus[cpu].is_on))
		switch_on(cpu);
	if (maddr && maddr != was)
		VMX_INSN("vmptrld", maddr);
	vmx_cpus[cpu].vmcs = maddr;
	return was;
}

void vmx_clear(u64 maddr)
{
	unsigned cpu = smp_cpu_id();

	ASSERT_IRQS_OFF();
	VMX_INSN("vmclear", maddr);
	if (vmx_cpus[cpu].vmcs == maddr)
		vmx_cpus[cpu].vmcs = 0;
}

void vmwrite_failed(u32 field, u64 val)
{
	panic("VMWRITE of %lx to field %#x failed, error %lu", val, field,
	      vmread(VMCS_INSN_ERROR));
}
