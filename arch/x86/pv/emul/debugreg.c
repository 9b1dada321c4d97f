/* SPDX-License-Identifier: MIT */
/*
 * Debug registers of a guest. What it sets is checked when stored, so that no value of its can
 * match anything the hypervisor touches (DBG-1, DBG-2): a breakpoint's 8-byte neighbourhood lies
 * outside the hypervisor's slots, which are aligned far beyond that, and there are no I/O
 * breakpoints and no address masks (DBEXT is hidden).
 * Source: SDM vol. 3 §18.2.
 */
#include <asm/emul.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/layout.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <generated/autoconf.h>

#define DR6_ONES      0xffff0ff0u
#define DR6_ZEROES    0x00001000u
#define DR7_ONES      0x00000400u
#define DR7_ZEROES    0x0000d800u               /* bits 11, 12, 14, 15 */
#define DR7_GD        (1u << 13)
#define DR7_ENABLES   0xffu
#define DR7_RW(n)     (16 + 4 * (n))            /* 0 execute, 1 write, 2 I/O, 3 read or write */
#define DR_RW_IO      2u

/* Does this CPU's DR7 hold breakpoints? Written by the CPU itself; no secret. */
static bool armed[CONFIG_NR_CPUS];

#define DEFINE_DR(n) \
static void write_dr##n(u64 val) { asm volatile ("mov %0, %%dr" #n :: "r"(val)); }
DEFINE_DR(0)
DEFINE_DR(1)
DEFINE_DR(2)
DEFINE_DR(3)
DEFINE_DR(6)
DEFINE_DR(7)
#undef DEFINE_DR

void pv_debugreg_load(void)
{
	const u64 *dr = this_vcpu.debugreg;
	bool *is_armed = &armed[smp_cpu_id()];

	ASSERT_IRQS_OFF();
	if (!(dr[7] & DR7_ENABLES)) {
		if (*is_armed)
			write_dr7(DR7_ONES);
		*is_armed = false;
		return;
	}
	write_dr7(DR7_ONES);            /* no half-loaded set is ever live */
	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
	write_dr6(DR6_ONES);
	write_dr7(dr[7]);
	*is_armed = true;
}

void pv_debugreg_merge(u64 dr6)
{
	u64 *guest = &this_vcpu.debugreg[6];

	*guest = (((*guest & ~0xful) | dr6) & ~(u64)DR6_ZEROES & 0xffffffff) | DR6_ONES;
	write_dr6(DR6_ONES);
}

/*
 * Breakpoint addresses: where the guest may map something. 8 bytes is the longest that hardware
 * watches.
 */
static bool address_ok(u64 val)
{
	return is_canonical(val) && !is_hv_address(val & ~7ul) && !is_hv_address(val | 7);
}

static int check_dr7(u64 val)
{
	if (val >> 32)
		return -EINVAL;
	if (val & DR7_GD)
		return -EPERM;
	for (unsigned int n = 0; n < 4; n++)
		if (val >> (2 * n) & 3 && (val >> DR7_RW(n) & 3) == DR_RW_IO)
			return -EPERM;
	return 0;
}

static void store(unsigned int n, u64 val)
{
	u64 flags = irq_save();

	n = index_nospec(n, ARRAY_SIZE(this_vcpu.debugreg));
	this_vcpu.debugreg[n] = val;
	pv_debugreg_load();
	irq_restore(flags);
}

int pv_debugreg_check(unsigned int n, u64 *val)
{
	int rc;

	switch (n) {
	case 0 ... 3:
		return address_ok(*val) ? 0 : -EPERM;
	case 6:
		if (*val >> 32)
			return -EINVAL;
		*val = (*val & ~(u64)DR6_ZEROES) | DR6_ONES;
		return 0;
	case 7:
		rc = check_dr7(*val);
		*val = (*val & ~(u64)DR7_ZEROES) | DR7_ONES;
		return rc;
	default:
		return -ENODEV;
	}
}

int pv_set_debugreg(unsigned int n, u64 val)
{
	int rc;

	if (n == 4 || n == 5) {
		if (this_vcpu.cr4 & CR4_DE)
			return -ENODEV;
		n += 2;
	}
	rc = pv_debugreg_check(n, &val);
	if (!rc)
		store(n, val);
	return rc;
}

int pv_get_debugreg(unsigned int n, u64 *val)
{
	if (n > 7 || ((n == 4 || n == 5) && this_vcpu.cr4 & CR4_DE))
		return -ENODEV;
	if (n == 4 || n == 5)
		n += 2;
	n = index_nospec(n, ARRAY_SIZE(this_vcpu.debugreg));
	*val = this_vcpu.debugreg[n];
	if (n == 6)
		*val = (*val & ~(u64)DR6_ZEROES) | DR6_ONES;
	else if (n == 7)
		*val |= DR7_ONES;
	return 0;
}

/*
 * HYPERVISOR_set_debugreg(n, value): 0, -EPERM (address or bit not for guests), -EINVAL, -ENODEV
 * (no such register).
 */
long hc_set_debugreg(u64 n, u64 val)
{
	return n > 7 ? -ENODEV : pv_set_debugreg(n, val);
}

/* HYPERVISOR_get_debugreg(n): the value, or -ENODEV. */
long hc_get_debugreg(u64 n)
{
	u64 val = 0;
	int rc = n > 7 ? -ENODEV : pv_get_debugreg(n, &val);

	return rc ? rc : (long)val;
}
