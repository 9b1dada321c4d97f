/* SPDX-License-Identifier: MIT */
/*
 * The 8254's channel 2 as a free-running counter, for calibration only. Its speaker stays off.
 * Intel 8254 data sheet, "Counter Latch Command"; mode 2 counts 65536..1 and reloads.
 */
#include <isola/time.h>
#include <asm/acpi.h>
#include <asm/insn.h>
#include <asm/pc_ports.h>

#define PIT_COMMAND      0x43
#define PIT_MODE2_CH2    0xb4           /* channel 2, low then high byte, mode 2 */
#define PIT_LATCH_CH2    0x80
#define PORT_B           0x61           /* bit 0: gate of channel 2, bit 1: speaker */

static u64 pit_read(void)
{
	u16 count;

	outb(PIT_LATCH_CH2, PIT_COMMAND);
	count = inb(PIT_CHANNEL2);
	count |= inb(PIT_CHANNEL2) << 8;
	return (u16)-count;
}

/* Nothing tells whether there is one; a counter that stands still is found by whoever measures. */
static bool pit_probe(struct platform_timer *t __maybe_unused,
		      const struct acpi_info *acpi __maybe_unused)
{
	outb((inb(PORT_B) & ~2) | 1, PORT_B);
	outb(PIT_MODE2_CH2, PIT_COMMAND);
	outb(0, PIT_CHANNEL2);
	outb(0, PIT_CHANNEL2);
	return true;
}

struct platform_timer pit = {
	.name = "PIT", .probe = pit_probe, .read = pit_read, .hz = 1193182, .mask = 0xffff,
};
