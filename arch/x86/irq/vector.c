/* SPDX-License-Identifier: MIT */
/*
 * Interrupt vectors: who handles each. Filled at boot, constant afterwards; devices' are pirq.c's.
 */
#include <isola/printk.h>
#include <asm/apic.h>
#include <asm/irq.h>
#include <asm/pirq.h>
#include <asm/storm.h>

static void (*handlers[256])(void);

void irq_set_handler(u8 vector, void (*handler)(void))
{
	ASSERT(vector >= VECTOR_FIRST_EXTERNAL && !handlers[vector]);
	handlers[vector] = handler;
}

/*
 * A device can send any vector, without pause, and nobody can mask it: it costs an EOI, and a line.
 */
static void stray(u8 vector)
{
	static struct storm_told told;
	u32 nr = storm_tell(&told, now_ns());

	if (nr)
		pr_warn("interrupt on vector %02x, which nobody asked for; %u such since last told",
			vector, nr);
}

void irq_dispatch(struct regs *r)
{
	u8 vector = r->vector;

	if (vector == VECTOR_SPURIOUS)
		return;		/* no EOI for it: SDM vol. 3 §11.9 */
	if (handlers[vector])
		handlers[vector]();
	else if (!pirq_interrupt(vector))
		stray(vector);
	apic_eoi();
}
