/* SPDX-License-Identifier: MIT */
/*
 * Setting up the local APIC: the access that all CPUs use, then each CPU's own; and silencing the
 * 8259s. SDM vol. 3 ch. 11.
 */
#include <asm/apic.h>
#include <asm/apic_access.h>
#include <asm/insn.h>
#include <asm/irq.h>
#include <asm/percpu.h>
#include <asm/storm.h>
#include <isola/printk.h>
#include <isola/time.h>

#define LVT_NMI           (4u << 8)

#define PIC_MASTER        0x20
#define PIC_SLAVE         0xa0
/* Where a spurious interrupt of a masked 8259 would show: unused vectors. */
#define PIC_VECTORS       0x20

void apic_init_boot(u64 base)
{
	const char *name = apic_choose(base);

	deadline_register(apic_timer_choose());
	pr_info("APIC: %s at 0x%lx", name, base & PAGE_MASK);
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

/*
 * SDM vol. 3 §11.5.3: ESR shows what has happened since it was last written. A device that sends
 * vectors below 10h causes one each.
 */
static void apic_error(void)
{
	static struct storm_told told;
	u32 nr = storm_tell(&told, now_ns());

	apic_write(APIC_ESR, 0);
	if (nr)
		pr_warn("APIC: error 0x%x on CPU %u; %u errors since last told",
			apic_read(APIC_ESR), smp_cpu_id(), nr);
}

void apic_init_cpu(void)
{
	if (!smp_cpu_id()) {
		mask_8259();
		irq_set_handler(VECTOR_APIC_ERROR, apic_error);
		irq_set_handler(VECTOR_TIMER, deadline_interrupt);
	}
	apic_enable();
	if (!smp_cpu_id())
		cpu_public[0].apic_id = apic_id();
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, APIC_SVR_ENABLED | VECTOR_SPURIOUS);
	apic_write(APIC_LVTT, APIC_LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_LVT0, APIC_LVT_MASKED);
	apic_write(APIC_LVT1, LVT_NMI);
	apic_write(APIC_LVTERR, VECTOR_APIC_ERROR);
	apic_write(APIC_ESR, 0);
}
