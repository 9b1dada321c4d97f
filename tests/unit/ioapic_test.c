/* SPDX-License-Identifier: MIT */
/*
 * Several I/O APICs, which QEMU's machines do not have: which are used, which lines are whose, and
 * that an operation on one line touches that line's entry and no other. Their registers are reached
 * as on hardware: an index is written, then the word behind it is read or written.
 *
 * Sources: arch/x86/irq/ioapic.c
 * Flags: -Itests/unit/ioapic/include -Itests/unit/console/include
 */
#include <string.h>
#include "log_stub.h"
#include "tap.h"
#include <asm/cpu_window.h>
#include <asm/ioapic.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>

#define FRAME	0xfec00ul
#define RAM	0x1000ul		/* and all below */
#define NR_FRAMES 8u			/* with I/O APICs, or what only looks so, from FRAME on */
#define NR_REGS	0x100u
#define RTE(pin) (0x10 + 2 * (pin))
#define MASKED	0x10000u
#define SMI	0x00200u

/* The third shares its page with the second; the last two are none. */
enum { NEIGHBOUR = 2, LARGE, SAME_LINES, FAR, ONES, ZEROES, NR };

static u64 window_l1[NR_WINDOWS];
struct cpu_private this_cpu = { .window_l1 = window_l1 };

void panic(const char *fmt, ...)
{
	printf("Bail out! panic: %s\n", fmt);
	exit(1);
}

/* ---- The devices ---------------------------------------------------------------------------- */

/* Frames as the processor sees them. A device: where its two words are, and what is behind them. */
static u32 page[NR_FRAMES][PAGE_SIZE / 4];
static struct device {
	u32 *index, *data;
	u8 index_was;
	u32 data_was;
	bool is_dead;			/* what is written is lost */
	u32 reg[NR_REGS];
} device[NR];

#define OFFSET(n) ((n) == NEIGHBOUR ? 0x400u : 0)
#define AT(n) (((FRAME + (n) - ((n) >= NEIGHBOUR)) << PAGE_SHIFT) + OFFSET(n))

bool is_io_frame(mfn_t m) { return mfn_x(m) > RAM; }

/* What has been stored reaches its register; the index that stands there now shows its register. */
static void settle(void)
{
	for (struct device *d = device; d < device + NR; d++) {
		if (*d->data != d->data_was && !d->is_dead)
			d->reg[d->index_was] = *d->data;
		d->index_was = *d->index;
		*d->data = d->data_was = d->reg[d->index_was];
	}
}

void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags)
{
	window_l1[w] = pte_make(m, flags);
	return cpu_window_ptr(w);
}

/* Asked before each access to a word. */
void *cpu_window_ptr(enum cpu_window w)
{
	settle();
	return page[mfn_x(pte_mfn(window_l1[w])) - FRAME];
}

static void make(unsigned n, u32 version, u32 other)
{
	u64 at = AT(n) - AT(0);

	device[n].index = &page[at / PAGE_SIZE][at % PAGE_SIZE / 4];
	device[n].data = device[n].index + 4;
	for (unsigned i = 0; i < NR_REGS; i++)
		device[n].reg[i] = other;
	device[n].reg[1] = version;
}

/* ---- What is used --------------------------------------------------------------------------- */

static struct acpi_info acpi;

static void list(u64 maddr, u32 gsi_base)
{
	acpi.ioapic[acpi.nr_ioapics].maddr = maddr;
	acpi.ioapic[acpi.nr_ioapics++].gsi_base = gsi_base;
}

/* A line's end. */
static void said(const char *line)
{
	ok(strstr(log_text, line), "%.*s", (int)strlen(line) - 1, line);
}

static void find(void)
{
	for (unsigned n = 0; n < NR; n++)
		make(n, 23u << 16 | 0x20, 0x1034);
	device[1].reg[1] = 31u << 16 | 0x11;
	device[LARGE].reg[1] = 119u << 16 | 0x20;
	device[0].reg[RTE(9)] = SMI;
	make(ONES, ~0u, ~0u);
	make(ZEROES, 0, 0);
	device[ONES].is_dead = device[ZEROES].is_dead = true;
	list(AT(1), 24);
	list(AT(0), 0);
	list(AT(0), 80);
	list(AT(NEIGHBOUR), 56);
	list(AT(LARGE), 200);
	list(AT(SAME_LINES), 40);
	list(AT(FAR), 256);
	list(AT(ONES), 100);
	list(AT(ZEROES), 100);
	list(RAM << PAGE_SHIFT, 100);
	list(AT(SAME_LINES) + 8, 100);
	ioapic_init(&acpi);
	settle();
	said("I/O APIC at 0xfec00000: GSIs 0 to 23\n");
	said("I/O APIC at 0xfec01000: GSIs 24 to 55\n");
	said("I/O APIC at 0xfec01400: GSIs 56 to 79\n");
	said("I/O APIC at 0xfec02000: GSIs 200 to 255\n");
	said("at 0xfec00000 is not used: it is listed twice\n");
	said("at 0xfec03000 is not used: another one has the same lines\n");
	said("at 0xfec04000 is not used: its lines have numbers that are too high\n");
	said("at 0xfec05000 is not used: nothing answers there\n");
	said("at 0xfec06000 is not used: nothing answers there\n");
	said("at 0x1000000 is not used: it lies in RAM\n");
	said("at 0xfec03008 is not used: no register can be there\n");
}

/* Whose line, or NR. */
static unsigned device_of(u32 gsi)
{
	return gsi < 24 ? 0 : gsi < 56 ? 1 : gsi < 80 ? NEIGHBOUR : gsi - 200 < 56 ? LARGE : NR;
}

static u32 pin_of(u32 gsi)
{
	static const u32 base[NR] = { [1] = 24, [NEIGHBOUR] = 56, [LARGE] = 200 };

	return gsi - base[device_of(gsi)];
}

static void which_lines(void)
{
	for (u32 gsi = 0; gsi < 300; gsi++)
		check(ioapic_has(gsi) == (device_of(gsi) < NR), "line %u", gsi);
	check(!ioapic_has(~0u), "no line");
	check(ioapic_nr_gsis() == 256, "one past the last");
	all_ok("lines are those of the I/O APICs that are used");
	for (unsigned n = 0; n < NR; n++)
		for (unsigned pin = 0; pin < 24 && !device[n].is_dead; pin++)
			check(device[n].reg[RTE(pin)] == (n || pin != 9 ? MASKED : SMI),
			      "pin %u of %u is 0x%x", pin, n, device[n].reg[RTE(pin)]);
	check(device[1].reg[RTE(31)] == MASKED && device[LARGE].reg[RTE(119)] == MASKED,
	      "the last pins");
	all_ok("each line of each is masked, used or not, but firmware's own");
}

/* ---- Operations ----------------------------------------------------------------------------- */

static u32 before[NR][NR_REGS];

/* Does @gsi's entry hold these words, and every other register of all what it held before? */
static void look(const char *what, u32 gsi, u32 low, u32 high)
{
	unsigned n = device_of(gsi), low_at = RTE(pin_of(gsi));

	settle();
	check(device[n].reg[low_at] == low && device[n].reg[low_at + 1] == high,
	      "%s, line %u: 0x%x 0x%x", what, gsi, device[n].reg[low_at],
	      device[n].reg[low_at + 1]);
	before[n][low_at] = low;
	before[n][low_at + 1] = high;
	for (unsigned i = 0; i < NR; i++)
		check(!memcmp(before[i], device[i].reg, sizeof(before[i])),
		      "%s, line %u changed another register of %u", what, gsi, i);
}

static void remember(void)
{
	for (unsigned n = 0; n < NR; n++)
		memcpy(before[n], device[n].reg, sizeof(before[n]));
}

static void operate(u32 gsi)
{
	bool level = tap_random() % 2, low = tap_random() % 2;
	u8 vector = 0x30 + tap_random() % 0x80;
	u32 id = tap_random() % 255, other = tap_random() % 255;
	u32 word = vector | (level ? 1u << 15 : 0) | (low ? 1u << 13 : 0);

	ioapic_route(gsi, vector, id, level, low);
	look("routed", gsi, word | MASKED, id << 24);
	ioapic_unmask(gsi);
	look("unmasked", gsi, word, id << 24);
	ioapic_set_dest(gsi, other);
	look("aimed elsewhere", gsi, word, other << 24);
	ioapic_mask(gsi);
	look("masked", gsi, word | MASKED, other << 24);
}

int main(void)
{
	u32 val;

	find();
	which_lines();
	remember();
	for (unsigned i = 0; i < 2000; i++) {
		u32 gsi = tap_random() % 256;

		if (device_of(gsi) < NR)
			operate(gsi);
	}
	all_ok("an operation on a line changes that line's entry alone");
	ok(ioapic_read(AT(NEIGHBOUR), 1, &val) && val == (23u << 16 | 0x20) &&
	   ioapic_read(AT(1), 1, &val) && val == (31u << 16 | 0x11),
	   "each is read by its address");
	ok(!ioapic_read(AT(FAR), 1, &val) && !ioapic_read(AT(0) + 4, 1, &val),
	   "what is not used is not read");
	return done();
}
