/* SPDX-License-Identifier: MIT */
/*
 * What stands in for the machine in tests of interrupts (arch/x86/irq): a clock that passes by
 * pass(), one timer, locks that nobody contends, and I/O APICs that forget what they are told.
 */
#pragma once
#include <asm/acpi.h>
#include <asm/ioapic.h>
#include <asm/irq.h>
#include <isola/clock.h>
#include <isola/spinlock.h>
#include <isola/timer.h>
#include <stdio.h>
#include <stdlib.h>

#define NR_LINES 24

static u64 now = SECONDS(5);
static struct timer *armed;

spinlock_t gsi_lock;

u64 now_ns(void) { return now; }
void ioapic_init(const struct acpi_info *acpi) {}
unsigned ioapic_nr_gsis(void) { return NR_LINES; }
bool ioapic_has(u32 gsi) { return gsi < NR_LINES; }
void ioapic_set_dest(u32 gsi, u32 apic_id) {}
bool ioapic_read(u64 maddr, u8 reg, u32 *val) { return false; }
void spin_lock(spinlock_t *l) {}
void spin_unlock(spinlock_t *l) {}
u64 irq_save(void) { return 0; }
void irq_restore(u64 flags) {}
bool irq_is_enabled(void) { return false; }	/* all that is called here is an interrupt's */
bool spin_is_held_here(const spinlock_t *lock) { return true; }

void timer_init(struct timer *t, void (*fn)(void *), void *data)
{
	*t = (struct timer){ .fn = fn, .data = data };
}

void timer_set(struct timer *t, u64 expires)
{
	t->expires = expires;
	t->armed = true;
	armed = t;
}

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

/* Time passes, and what is due happens. */
static void pass(u64 ns)
{
	now += ns;
	if (armed && armed->expires <= now) {
		struct timer *t = armed;

		armed = NULL;
		t->armed = false;
		t->fn(t->data);
	}
}
