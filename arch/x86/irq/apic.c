/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of this CPU, through whichever access it was put in at boot.
 *
 * Invariant: `access' is chosen once, by the boot CPU, and every CPU uses the same one. The xAPIC's
 * command register is two words, so they are written with interrupts off and only when the last
 * command has left. SDM vol. 3 ch. 11.
 */
#include <asm/apic.h>
#include <asm/apic_access.h>
#include <asm/cpu_window.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <isola/printk.h>

#define APIC_BASE_X2APIC  (1u << 10)
#define APIC_BASE_ENABLE  (1u << 11)

#define ICR_NMI           (4u << 8)
#define ICR_INIT          (5u << 8)
#define ICR_STARTUP       (6u << 8)
#define ICR_ASSERT        (1u << 14)
#define ICR_BUSY          (1u << 12)
#define ICR_ALL_OTHERS    (3u << 18)
#define MAX_BUSY_POLLS    (1u << 20)

static u64 apic_maddr;
static const struct apic_access *access;

/* ---- xAPIC ---------------------------------------------------------------------------------- */

static volatile u32 *xapic_reg(u32 reg)
{
	return (volatile u32 *)((u8 *)cpu_window_ptr(WINDOW_APIC) + reg);
}

static void xapic_enable(void)
{
	wrmsr(MSR_APIC_BASE, (rdmsr(MSR_APIC_BASE) & 0xfff) | apic_maddr | APIC_BASE_ENABLE);
	cpu_window_map(WINDOW_APIC, maddr_to_mfn(apic_maddr), PAGE_HV_UC);
}

static u32 xapic_read(u32 reg)
{
	return *xapic_reg(reg);
}

static void xapic_write(u32 reg, u32 val)
{
	*xapic_reg(reg) = val;
}

static u32 xapic_id(void)
{
	return xapic_read(APIC_ID) >> 24;
}

static void xapic_command(u32 dest, u32 command)
{
	u64 flags = irq_save();

	ASSERT(dest <= 0xff);		/* what is wider would name another CPU */
	for (unsigned i = 0; i < MAX_BUSY_POLLS && xapic_read(APIC_ICR) & ICR_BUSY; i++)
		cpu_relax();
	xapic_write(APIC_ICR_HI, dest << 24);
	xapic_write(APIC_ICR, command);
	irq_restore(flags);
}

static const struct apic_access xapic_access = {
	.name = "xAPIC", .max_id = 0xfe, .enable = xapic_enable, .read = xapic_read,
	.write = xapic_write, .id = xapic_id, .command = xapic_command,
};

/* ---- Either --------------------------------------------------------------------------------- */

const char *apic_choose(u64 base)
{
	bool locked_in = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;

	apic_maddr = base & PAGE_MASK;
	access = &xapic_access;
#ifdef CONFIG_X2APIC
	if (cpu_has(X2APIC)) {
		access = &x2apic_access;
		cpu_need(XEN_X86_FEATURE_X2APIC, "X2APIC",
			 "all local APICs are reached the same way");
	}
#endif
	if (locked_in && access == &xapic_access)
		fatal("the firmware has put the APIC in x2APIC mode, which this build does not "
		      "use");
	return access->name;
}

void apic_enable(void)
{
	access->enable();
}

u32 apic_read(u32 reg)
{
	return access->read(reg);
}

void apic_write(u32 reg, u32 val)
{
	access->write(reg, val);
}

void apic_eoi(void)
{
	access->write(APIC_EOI, 0);
}

u32 apic_max_id(void)
{
	return access->max_id;
}

u32 apic_id(void)
{
	return access->id();
}

void apic_send_ipi(u32 dest_apic_id, u8 vector)
{
	access->command(dest_apic_id, ICR_ASSERT | vector);
}

void apic_send_init(u32 dest_apic_id)
{
	access->command(dest_apic_id, ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(u32 dest_apic_id, u8 page)
{
	access->command(dest_apic_id, ICR_STARTUP | ICR_ASSERT | page);
}

void apic_send_nmi(u32 dest_apic_id)
{
	access->command(dest_apic_id, ICR_NMI | ICR_ASSERT);
}

void apic_send_nmi_all_others(void)
{
	if (access)
		access->command(0, ICR_NMI | ICR_ASSERT | ICR_ALL_OTHERS);
}
