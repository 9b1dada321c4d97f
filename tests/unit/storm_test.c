/* SPDX-License-Identifier: MIT */
/*
 * Interrupt storms: devices that interrupt without pause, against the product's own files. A line
 * is masked before it has cost much, and told once a second; it works again when the device has
 * calmed down, and no edge is lost; one that is only busy is left alone. Vectors that nobody owns
 * cannot be masked: they cost an EOI each, and a line a second.
 *
 * Sources: arch/x86/irq/pirq.c arch/x86/irq/pirq_map.c arch/x86/irq/vector.c arch/x86/irq/storm.c
 * Flags: -Itests/unit/console/include
 */
#include "log_stub.h"
#include "irq_machine.h"
#include "tap.h"
#include <asm/iomem.h>
#include <asm/msi.h>
#include <asm/pci_conf.h>
#include <asm/apic.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/storm.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>

#define EDGE	5
#define LEVEL	20

/* ---- The machine, beside irq_machine.h ------------------------------------------------------- */

static bool masked[NR_LINES];
static u8 vector_of[NR_LINES];
static u64 nr_eois, nr_events;

struct cpu_public cpu_public[CONFIG_NR_CPUS];
struct cpu_private this_cpu;
unsigned nr_cpus = 1;

void ioapic_mask(u32 gsi) { masked[gsi] = true; }
void ioapic_unmask(u32 gsi) { masked[gsi] = false; }
/* No device of this test has messages. */
void msi_write(struct msi *m, u8 vector, u32 apic_id) {}
void msi_set_dest(struct msi *m, u32 apic_id) {}
void msi_mask(struct msi *m) {}
void msi_unmask(struct msi *m) {}
void msi_end(struct msi *m) {}
int msi_find(const struct pci_dev *dev, bool is_x, u32 entry, struct msi *m) { return -ENODEV; }
bool msi_may_lie(u64 maddr, u32 bytes) { return false; }
struct pci_dev *pci_dev_find(u16 bdf) { return NULL; }
u64 pci_bar_read(u16 bdf, u8 bar) { return 0; }
bool pci_conf_is_kept(u16 bdf) { return false; }
int iomem_guard(mfn_t first, u32 nr) { return 0; }
void iomem_unguard(mfn_t first, u32 nr) {}
void apic_eoi(void) { nr_eois++; }

void ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool low)
{
	vector_of[gsi] = vector;
	masked[gsi] = true;
}

u32 send_pirq(struct domain *d, u32 port)
{
	nr_events++;
	return 0;
}

static void interrupt(u8 vector)
{
	struct regs r = { .vector = vector };

	irq_dispatch(&r);
}

static unsigned log_lines(void)
{
	unsigned nr = 0;

	for (const char *p = log_text; *p; p++)
		nr += *p == '\n';
	return nr;
}

/* The device on @gsi interrupts each @ns for @length. Returns how many got through. */
static u64 device(u32 gsi, u64 ns, u64 length, struct domain *eoi_by)
{
	u64 nr = 0;

	for (u64 end = now + length; now < end; pass(ns)) {
		if (masked[gsi])
			continue;
		interrupt(vector_of[gsi]);
		nr++;
		if (eoi_by)
			(void)!pirq_eoi(eoi_by, gsi);
	}
	return nr;
}

int main(void)
{
	static struct acpi_info acpi;
	static struct domain dom;
	u64 nr, events;

	pirq_init(&acpi);
	ok(!pirq_map(&dom, EDGE) && !pirq_map(&dom, LEVEL) && !pirq_bind(&dom, EDGE, 7, false, 0) &&
		   !pirq_bind(&dom, LEVEL, 8, false, 0) && !masked[EDGE] && !masked[LEVEL],
	   "an edge line and a level line are bound");

	nr = device(EDGE, MICROSECS(20), SECONDS(1), NULL);
	ok(nr == 50000 && nr_events == nr && !log_text[0],
	   "50,000 interrupts a second are a busy device: all come through");

	nr_events = 0;
	nr = device(EDGE, MICROSECS(1), SECONDS(3), NULL);
	ok(nr <= 30 * (STORM_MAX + 1) && nr >= 20 * STORM_MAX,
	   "edges, a million a second for three: %lu get through", nr);
	ok(log_lines() >= 2 && log_lines() <= 4 &&
		   strstr(log_text, "GSI 5 interrupts without pause: masked for 100 ms"),
	   "and %u lines tell of it", log_lines());
	events = nr_events;
	pass(MILLISECS(200));
	ok(!masked[EDGE] && nr_events == events + 1,
	   "the line works again, and an edge that was missed is made up for");
	interrupt(vector_of[EDGE]);
	ok(nr_events == events + 2, "the next one comes through");

	log_text[0] = '\0';
	nr = device(LEVEL, MICROSECS(1), SECONDS(3), &dom);
	ok(nr <= 30 * (STORM_MAX + 1) && nr >= 20 * STORM_MAX,
	   "a level line that is never served, but ended at once: %lu", nr);
	ok(log_lines() >= 2 && log_lines() <= 4 && strstr(log_text, "GSI 20 "), "and %u lines",
	   log_lines());
	pass(MILLISECS(200));
	ok(!masked[LEVEL], "it works again too");
	interrupt(vector_of[LEVEL]);
	ok(masked[LEVEL], "it waits for its EOI as before");
	ok(!pirq_eoi(&dom, LEVEL) && !masked[LEVEL], "and gets it");

	while (!masked[EDGE])
		interrupt(vector_of[EDGE]);
	pirq_unbind(&dom, EDGE, 7);
	ok(!pirq_bind(&dom, EDGE, 9, false, 0) && masked[EDGE],
	   "binding it anew does not cut its rest short");
	pass(STORM_REST + 1);
	ok(!masked[EDGE], "which ends in time");
	while (!masked[EDGE])
		interrupt(vector_of[EDGE]);
	pirq_unbind(&dom, EDGE, 9);
	pass(STORM_REST + 1);
	ok(masked[EDGE], "a line that nobody has any more stays masked");

	log_text[0] = '\0';
	nr_eois = 0;
	for (int i = 0; i < 2500000; i++) {
		interrupt(0xe7);
		now += MICROSECS(1);
	}
	ok(nr_eois == 2500000 && log_lines() == 3,
	   "2,500,000 strays in 2.5 s: an EOI each, %u lines", log_lines());
	ok(strstr(log_text, "vector e7, which nobody asked for; 1 such since last told\n") &&
	   strstr(log_text, "; 1000000 such since last told\n"), "that count them");
	nr_eois = 0;
	for (int i = 0; i < 1000; i++)
		interrupt(VECTOR_SPURIOUS);
	ok(!nr_eois && log_lines() == 3, "spurious interrupts cost neither");
	return done();
}
