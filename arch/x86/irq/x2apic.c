/* SPDX-License-Identifier: MIT */
/*
 * x2APIC: the local APIC's registers as MSRs. SDM vol. 3 §11.12.
 *
 * The MSRs are not serializing: a command must not overtake the stores that its target is to see.
 */
#include <asm/apic.h>
#include <asm/apic_access.h>
#include <asm/insn.h>

#define APIC_BASE_ENABLE_X2APIC (3u << 10)

static u32 reg_msr(u32 reg)
{
	return MSR_X2APIC_BASE + (reg >> 4);
}

static void x2apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE_X2APIC);
}

static u32 x2apic_read(u32 reg)
{
	return rdmsr(reg_msr(reg));
}

static void x2apic_write(u32 reg, u32 val)
{
	wrmsr(reg_msr(reg), val);
}

static u32 x2apic_id(void)
{
	return x2apic_read(APIC_ID);
}

static void x2apic_command(u32 dest, u32 command)
{
	asm volatile ("mfence; lfence" ::: "memory");
	wrmsr(reg_msr(APIC_ICR), (u64)dest << 32 | command);
}

const struct apic_access x2apic_access = {
	.name = "x2APIC",
	.max_id = 0xfffffffe,
	.enable = x2apic_enable,
	.read = x2apic_read,
	.write = x2apic_write,
	.id = x2apic_id,
	.command = x2apic_command,
};
