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
#include <asm/irq.h>
#include <asm/percpu.h>
#include <isola/printk.h>
#include <isola/time.h>

#define APIC_BASE_X2APIC  (1u << 10)
#define APIC_BASE_ENABLE  (1u << 11)
#define SVR_ENABLE        (1u << 8)
#define LVT_MASKED        (1u << 16)
#define LVT_NMI           (4u << 8)

#define ICR_NMI           (4u << 8)
#define ICR_INIT          (5u << 8)
#define ICR_STARTUP       (6u << 8)
#define ICR_ASSERT        (1u << 14)
#define ICR_BUSY          (1u << 12)
#define ICR_ALL_OTHERS    (3u << 18)
#define MAX_BUSY_POLLS    (1u << 20)

#define PIC_MASTER        0x20
#define PIC_SLAVE         0xa0
/* Where a spurious interrupt of a masked 8259 would show: unused vectors. */
#define PIC_VECTORS       0x20

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

	for (unsigned i = 0; i < MAX_BUSY_POLLS && xapic_read(APIC_ICR) & ICR_BUSY; i++)
		cpu_relax();
	xapic_write(APIC_ICR_HI, dest << 24);
	xapic_write(APIC_ICR, command);
	irq_restore(flags);
}

static const struct apic_access xapic_access = {
	.name = "xAPIC", .enable = xapic_enable, .read = xapic_read, .write = xapic_write,
	.id = xapic_id, .command = xapic_command,
};

/* ---- Either --------------------------------------------------------------------------------- */

void apic_init_boot(u64 base)
{
	bool locked_in = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;

	apic_maddr = base & PAGE_MASK;
	access = &xapic_access;
#ifdef CONFIG_X2APIC
	if (cpu_has(X2APIC))
		access = &x2apic_access;
#endif
	if (locked_in && access == &xapic_access)
		fatal("the firmware has put the APIC in x2APIC mode, which this build does not "
		      "use");
	deadline_register(apic_timer_choose());
	pr_info("APIC: %s at 0x%lx", access->name, apic_maddr);
}

static void mask_8259(void)
{
	static const struct { u16 port; u8 val; } writes[] = {
		{ PIC_MASTER, 0x11 }, { PIC_SLAVE, 0x11 }, /* ICW1: edge, cascade, ICW4 */
		/* ICW2: vectors */
		{ PIC_MASTER + 1, PIC_VECTORS }, { PIC_SLAVE + 1, PIC_VECTORS + 8 },
		{ PIC_MASTER + 1, 4 }, { PIC_SLAVE + 1, 2 }, /* ICW3: the cascade */
		{ PIC_MASTER + 1, 1 }, { PIC_SLAVE + 1, 1 }, /* ICW4: 8086 mode */
		{ PIC_MASTER + 1, 0xff }, { PIC_SLAVE + 1, 0xff }, /* all masked */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
		outb(writes[i].val, writes[i].port);
}

/* SDM vol. 3 §11.5.3: ESR shows what has happened since it was last written. */
static void apic_error(void)
{
	apic_write(APIC_ESR, 0);
	pr_warn("APIC: error 0x%x on CPU %u", apic_read(APIC_ESR), smp_cpu_id());
}

void apic_init_cpu(void)
{
	if (!smp_cpu_id()) {
		mask_8259();
		irq_set_handler(VECTOR_APIC_ERROR, apic_error);
		irq_set_handler(VECTOR_TIMER, deadline_interrupt);
	}
	access->enable();
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT0, LVT_MASKED);
	apic_write(APIC_LVT1, LVT_NMI);
	apic_write(APIC_LVTERR, VECTOR_APIC_ERROR);
	apic_write(APIC_ESR, 0);
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

void apic_send_nmi_all_others(void)
{
	if (access)
		access->command(0, ICR_NMI | ICR_ASSERT | ICR_ALL_OTHERS);
}
