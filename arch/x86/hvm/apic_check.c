/* SPDX-License-Identifier: MIT */
/*
 * What can stand in the registers of a local APIC: its LVTs, and a record of all of it
 * (asm/hvm_records.h).
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/apic.h>
#include <asm/hvm_records.h>
#include <asm/vlapic.h>

const struct vlapic_lvt vlapic_lvts[NR_LVTS] = {
	[LVT_TIMER] = { APIC_LVTT, VLAPIC_TIMER_MODE },
	[LVT_THERMAL] = { APIC_LVTTHMR, 0x700 }, [LVT_PERF] = { APIC_LVTPC, 0x700 },
	[LVT_LINT0] = { APIC_LVT0, 0xa700 }, [LVT_LINT1] = { APIC_LVT1, 0xa700 },
	[LVT_ERROR] = { APIC_LVTERR, 0 },
};

/* Of those that need no more than that no other bit is set. Bit 12 of some is of delivery: idle. */
#define DELIVERY	0x1000u
static const struct { u16 offset; bool only_page; u32 valid; } plain[] = {
	{ APIC_TPR, false, 0xff }, { APIC_SVR, false, VLAPIC_SVR_VALID },
	{ APIC_ESR, false, 0xff }, { APIC_ICR, false, VLAPIC_ICR_VALID | DELIVERY },
	{ APIC_ICR_HI, true, 0xff000000 }, { APIC_LDR, true, 0xff000000 },
	{ APIC_TDCR, false, 0xb },
};

static bool base_is_valid(const struct hvm_hw_lapic *l, u32 id)
{
	const u64 modes = APICBASE_BSP | APICBASE_EXTD | APICBASE_ENABLE;
	u64 base = l->apic_base_msr;

	return (base & ~modes) == VLAPIC_BASE && !(base & APICBASE_BSP) == !!id &&
	       (base & APICBASE_ENABLE || !(base & APICBASE_EXTD));
}

/* Vectors below 16 there are none, and none that is level-triggered. */
static bool vectors_are_valid(const struct hvm_hw_lapic_regs *r)
{
	if (vlapic_reg(r, APIC_IRR) & 0xffff || vlapic_reg(r, APIC_ISR) & 0xffff)
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (vlapic_reg(r, APIC_TMR + 16 * i))
			return false;
	return true;
}

int hvm_check_apic(const struct hvm_hw_lapic *l, const struct hvm_hw_lapic_regs *r, u32 id)
{
	bool x2 = l->apic_base_msr & APICBASE_EXTD;

	if (!base_is_valid(l, id) || !vectors_are_valid(r) ||
	    (!x2 && ~vlapic_reg(r, APIC_DFR) & VLAPIC_DFR_ONES))
		return -EPERM;
	if (l->tdt_msr && !vlapic_has_deadline(vlapic_reg(r, APIC_LVTT)))
		return -EPERM;
	for (unsigned i = 0; i < ARRAY_SIZE(plain); i++)
		if (vlapic_reg(r, plain[i].offset) & ~plain[i].valid && !(x2 && plain[i].only_page))
			return -EPERM;
	for (unsigned i = 0; i < NR_LVTS; i++)
		if (vlapic_reg(r, vlapic_lvts[i].offset) &
		    ~(vlapic_lvts[i].valid | APIC_LVT_MASKED | DELIVERY | 0xff))
			return -EPERM;
	return 0;
}
