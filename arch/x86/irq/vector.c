/* SPDX-License-Identifier: MIT */
/*
 * Interrupt vectors: who handles each. Filled at boot, constant afterwards; devices' are pirq.c's.
 */
#include <isola/printk.h>
#include <asm/apic.h>
#include <asm/irq.h>
#include <asm/pirq.h>

static void (*handlers[256])(void);

void irq_set_handler(u8 vector, void (*handler)(void))
{
	ASSERT(vector >= VECTOR_FIRST_EXTERNAL && !handlers[vector]);
	handlers[vector] = handler;
}

void irq_dispatch(struct regs *r)
{
	u8 vector = r->vector;

	if (vector == VECTOR_SPURIOUS)
		return;		/* no EOI for it: SDM vol. 3 §11.9 */
	if (handlers[vector])
		handlers[vector]();
	else if (!pirq_interrupt(vector))
		pr_warn("interrupt on vector %02x, which nobody asked for", vector);
	apic_eoi();
}
