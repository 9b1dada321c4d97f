/* SPDX-License-Identifier: MIT */
/*
 * The console's lines: all of them by one vector, to the CPU that booted. Any of them: the console
 * looks at all its ports (common/console_receive.c).
 *
 * A line is masked only while it rests, after a storm: it is not the ports' alone to keep quiet.
 * Meanwhile the ports are looked at from time to time anyway.
 */
#include <asm/console_line.h>
#include <asm/ioapic.h>
#include <asm/irq.h>
#include <asm/pirq.h>
#include <asm/storm.h>
#include <isola/console.h>
#include <isola/printk.h>
#include <isola/serial_8250.h>
#include <isola/timer.h>

/* One may be there twice. Constant after boot. */
static u32 lines[NR_SERIAL_PORTS];
static unsigned nr_lines;

/* The boot CPU's, where all lines end and the timer runs. */
static struct storm storm;
static struct storm_told told;
static struct timer rest_timer;
static bool rests;

static void for_each_line(void (*fn)(u32 gsi))
{
	u64 flags = spin_lock_irqsave(&gsi_lock);

	for (unsigned i = 0; i < nr_lines; i++)
		fn(lines[i]);
	spin_unlock_irqrestore(&gsi_lock, flags);
}

static void end_rest(void *data __maybe_unused)
{
	rests = false;
	for_each_line(ioapic_unmask);
}

static void rest(u64 now)
{
	u32 nr = storm_tell(&told, now);

	rests = true;
	for_each_line(ioapic_mask);
	timer_set(&rest_timer, now + STORM_REST);
	if (nr)
		pr_warn("the console's interrupt without pause: masked for %lu ms, %u times since "
			"last told", STORM_REST / MILLISECS(1), nr);
}

static void interrupt(void)
{
	u64 now = now_ns();

	console_interrupt();
	if (storm_count(&storm, now) && !rests)
		rest(now);
}

static const struct acpi_info *boot_acpi;	/* during console_line_init() */

static bool listen(u8 isa_irq)
{
	u32 gsi = pirq_keep(boot_acpi, isa_irq, VECTOR_CONSOLE);

	if (gsi && nr_lines < ARRAY_SIZE(lines))
		lines[nr_lines++] = gsi;
	return gsi;
}

void console_line_init(const struct acpi_info *acpi)
{
	timer_init(&rest_timer, end_rest, NULL);
	irq_set_handler(VECTOR_CONSOLE, interrupt);
	boot_acpi = acpi;
	console_claim_irqs(listen);
	boot_acpi = NULL;
}
