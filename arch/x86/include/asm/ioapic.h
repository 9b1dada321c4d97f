/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: where the lines of devices (GSIs) become interrupts of a CPU. 82093AA data sheet.
 *
 * Registers are reached through this CPU's WINDOW_IOAPIC. Every call but ioapic_init(): gsi_lock
 * held (irq/pirq.c), so interrupts are off. @gsi: one that ioapic_has().
 */
#pragma once

#include <asm/acpi.h>
#include <isola/spinlock.h>

#define MAX_GSIS 256                    /* lines beyond are not used, and stay masked */

/* All that interrupts of devices are known by, and the registers that they come from. */
extern spinlock_t gsi_lock;

/*
 * Find them, and mask every line. The boot CPU, once; what is not usable is left out with a line.
 */
void ioapic_init(const struct acpi_info *acpi);

/* One past the highest line. */
unsigned ioapic_nr_gsis(void);
bool ioapic_has(u32 gsi);

/*
 * Send the line to @vector of the CPU with @apic_id (below 255: there is no interrupt remapping).
 * Leaves it masked. @low: active low.
 */
void ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool low);
/* Another CPU, whatever the mask. */
void ioapic_set_dest(u32 gsi, u32 apic_id);
/* When ioapic_mask() returns the I/O APIC has seen it: an EOI may follow. */
void ioapic_mask(u32 gsi);
void ioapic_unmask(u32 gsi);

/* Register @reg of the I/O APIC at @maddr; false: there is none. */
bool ioapic_read(u64 maddr, u8 reg, u32 *val);
