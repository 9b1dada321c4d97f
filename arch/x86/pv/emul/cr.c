/* SPDX-License-Identifier: MIT */
/*
 * Control registers as a guest sees them: CR0 (only TS is its own), CR2, CR3 (its own L4), CR4
 * (four bits), XCR0.
 *
 * Hardware's values are never shown and never derived from hardware: each is computed from the
 * guest's settings and boot constants (SWI-4).
 */
#include <asm/cpuid_policy.h>
#include <asm/own_policy.h>
#include <asm/cpufeature.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>

/* Bits the guest sets itself, and bits of the hypervisor's that it sees. Disjoint. */
#define CR4_SETTABLE  (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)
#define CR4_VISIBLE   (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
static_assert(!(CR4_SETTABLE & CR4_VISIBLE), "a CR4 bit has one owner");

u64 pv_settable_cr4(u64 val)
{
	u64 mask = CR4_SETTABLE;

	if (!policy_shows(FSGSBASE))
		mask &= ~CR4_FSGSBASE;
	if (!policy_shows(XSAVE))
		mask &= ~CR4_OSXSAVE;
	if (!policy_shows(DE))
		mask &= ~CR4_DE;
	return val & mask;
}

u64 pv_visible_cr4(u64 settings)
{
	return pv_settable_cr4(settings) | (boot_cr4 & CR4_VISIBLE);
}

int pv_read_cr(unsigned int n, u64 *val)
{
	switch (n) {
	case 0:
		*val = PV_CR0 | (this_vcpu.ts ? CR0_TS : 0);
		return 0;
	case 2:
		*val = this_vcpu.cr2;
		return 0;
	case 3:
		*val = mfn_to_maddr(this_vcpu.kernel_l4);
		return 0;
	case 4:
		*val = pv_visible_cr4(this_vcpu.cr4);
		return 0;
	default:
		return -EINVAL;
	}
}

static void set_ts(bool ts)
{
	this_vcpu.ts = ts;
	fpu_set_ts(ts);
}

/* Bits that are not the guest's to choose are ignored, as they always were; it never faults. */
static void write_guest_cr4(u64 val)
{
	u64 flags = irq_save(), cr4;

	this_vcpu.cr4 = pv_settable_cr4(val);
	cr4 = pv_guest_cr4(&this_vcpu);
	if (cr4 != this_cpu.cr4) {
		this_cpu.cr4 = cr4;
		write_cr4(cr4);
	}
	irq_restore(flags);
}

/*
 * A CR3 write that changes nothing is a flush; another table is loaded by MMUEXT_NEW_BASEPTR only.
 */
static int write_guest_cr3(u64 val)
{
	if (val != mfn_to_maddr(this_vcpu.kernel_l4))
		return -EINVAL;
	root_reload();
	return 0;
}

int pv_write_cr(unsigned int n, u64 val)
{
	switch (n) {
	case 0:
		if ((val ^ PV_CR0) & ~CR0_TS)
			return -EINVAL;
		set_ts(val & CR0_TS);
		return 0;
	case 2:
		this_vcpu.cr2 = val;
		this_vcpu.vcpu_info->arch.cr2 = val;
		return 0;
	case 3:
		return write_guest_cr3(val);
	case 4:
		write_guest_cr4(val);
		return 0;
	default:
		return -EINVAL;
	}
}

/* What the current domain is shown. */
static u64 domain_xcr0(void)
{
	const struct own_policy *own = current->domain->cpu_policy;

	return own ? own->xcr0 : ~0ul;
}

int pv_xsetbv(u32 index, u64 val)
{
	if (index || !(this_vcpu.cr4 & CR4_OSXSAVE) || !fpu_xcr0_valid(val) ||
	    val & ~domain_xcr0())
		return -EINVAL;
	this_vcpu.xcr0 = val;
	fpu_load_xcr0(val);
	return 0;
}

/* HYPERVISOR_fpu_taskswitch(set): the guest's CR0.TS. Returns 0. */
long hc_fpu_taskswitch(u64 set)
{
	set_ts(set);
	return 0;
}
