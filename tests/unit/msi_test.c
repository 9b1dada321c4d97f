/* SPDX-License-Identifier: MIT */
/*
 * Messages of devices, mapped, moved, ended and filtered by the product's own files, on devices
 * that this test makes up: with capabilities that are cut or run in a ring, 64-bit registers, masks
 * or none, a table that begins in the middle of a page, and one that wanders. Then operations at
 * random, against what must hold whatever came before.
 *
 * Sources: arch/x86/irq/pirq.c arch/x86/irq/pirq_map.c arch/x86/irq/pirq_device.c
 * Sources: arch/x86/irq/msi.c arch/x86/irq/msi_find.c arch/x86/irq/pci_dev.c arch/x86/irq/storm.c
 * Flags: -Itests/unit/msi/include -Itests/unit/console/include
 */
#include "log_stub.h"
#include "irq_machine.h"
#include "tap.h"
#include "arch/x86/irq/pirq_record.h"
#include <asm/cpu_window.h>
#include <asm/iomem.h>
#include <asm/page_ref.h>
#include <asm/pci_conf.h>
#include <asm/percpu.h>
#include <asm/pirq.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/evtchn.h>

#define NR_CPUS	 3

/* ---- The machine, beside irq_machine.h ------------------------------------------------------- */

static u64 window_l1[NR_WINDOWS];
static struct domain dom;
static u32 told_cpu;			/* where the vCPU is whose port is told */

struct cpu_public cpu_public[CONFIG_NR_CPUS] = {
	{ .apic_id = 4 }, { .apic_id = 300 }, { .apic_id = 6 } };
struct cpu_private this_cpu = { .window_l1 = window_l1 };
unsigned nr_cpus = NR_CPUS;

void ioapic_mask(u32 gsi) {}
void ioapic_unmask(u32 gsi) {}
void ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool low) {}
u32 send_pirq(struct domain *d, u32 port) { return told_cpu; }

/* ---- Devices -------------------------------------------------------------------------------- */

/* Of the devices' memory: frames FRAME to FRAME + NR_FRAMES - 1. Beyond is RAM. */
#define FRAME	  0x4feb00ul
#define NR_FRAMES 4u
static u32 memory[NR_FRAMES][PAGE_SIZE / 4];
static bool is_controller;		/* an interrupt controller stands there */

enum { TABLE, PLAIN, MASKED, RING, CUT, NR_DEVICES };
#define BDF(device) ((u16)((3 + (device)) << 3))
#define NR_ENTRIES 255u
#define TABLE_OFFSET 0xff8u		/* the first entry lies in two pages */
#define CAP	  0x50

static u8 conf[NR_DEVICES][256];
static unsigned nr_reads;

static u8 *conf_at(u16 bdf, u8 reg)
{
	static u8 nobody[4];

	nr_reads++;
	memset(nobody, 0xff, sizeof(nobody));
	for (unsigned i = 0; i < NR_DEVICES; i++)
		if (BDF(i) == bdf)
			return &conf[i][reg];
	return nobody;
}

static u32 get32(const u8 *p) { u32 v; memcpy(&v, p, 4); return v; }
static u16 get16(const u8 *p) { u16 v; memcpy(&v, p, 2); return v; }
static void put32(u8 *p, u32 v) { memcpy(p, &v, 4); }
static void put16(u8 *p, u16 v) { memcpy(p, &v, 2); }
u32 pci_conf_read(u16 bdf, u8 reg) { return get32(conf_at(bdf, reg & ~3)); }
u16 pci_conf_read16(u16 bdf, u8 reg) { return get16(conf_at(bdf, reg & ~1)); }
void pci_conf_write(u16 bdf, u8 reg, u32 val) { put32(conf_at(bdf, reg & ~3), val); }
void pci_conf_write16(u16 bdf, u8 reg, u16 val) { put16(conf_at(bdf, reg & ~1), val); }
bool pci_conf_is_kept(u16 bdf) { return bdf == BDF(RING) + 1; }

bool is_io_frame(mfn_t m) { return mfn_x(m) - FRAME < NR_FRAMES; }
bool pt_check_reaches(mfn_t m) { return mfn_x(m) < 1ul << 28; }
bool iomem_is_device(mfn_t m) { return !is_controller; }

static unsigned nr_guards, most_guards = 100;

int iomem_guard(mfn_t first, u32 nr)
{
	if (nr_guards == most_guards)
		return -ENOMEM;
	nr_guards++;
	return 0;
}

void iomem_unguard(mfn_t first, u32 nr) { nr_guards--; }

void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags)
{
	window_l1[w] = pte_make(m, flags);
	return cpu_window_ptr(w);
}

void *cpu_window_ptr(enum cpu_window w)
{
	u64 frame = mfn_x(pte_mfn(window_l1[w]));

	if (frame - FRAME >= NR_FRAMES)
		panic("a frame that is no device's is mapped");
	return memory[frame - FRAME];
}

static u32 *entry(unsigned n, unsigned word)
{
	return (u32 *)memory + (TABLE_OFFSET + 16 * n) / 4 + word;
}

static void set_bar(u64 maddr)
{
	put32(&conf[TABLE][0x18], (u32)maddr | 4);
	put32(&conf[TABLE][0x1c], maddr >> 32);
}

/* Capability @id at @at, the next at @next. */
static void set_cap(unsigned device, u8 at, u8 id, u8 next, u16 control)
{
	conf[device][at] = id;
	conf[device][at + 1] = next;
	put16(&conf[device][at + 2], control);
	conf[device][0x06] = 0x10;
	if (!conf[device][0x34])
		conf[device][0x34] = at;
}

static void build(void)
{
	memset(conf, 0, sizeof(conf));
	memset(memory, 0, sizeof(memory));
	set_cap(TABLE, CAP, 0x11, 0, NR_ENTRIES - 1);
	put32(&conf[TABLE][CAP + 4], TABLE_OFFSET | 2);
	put32(&conf[TABLE][CAP + 8], 0x3000 | 2);
	put16(&conf[TABLE][4], 2);
	set_bar(FRAME << PAGE_SHIFT);
	for (unsigned n = 0; n < NR_ENTRIES; n++)
		*entry(n, 3) = 1;
	set_cap(PLAIN, CAP, 0x05, 0, 0x000e);		/* 32 bits, of up to 128 messages */
	set_cap(MASKED, 0x40, 0x01, CAP, 0);
	set_cap(MASKED, CAP, 0x05, 0, 0x0180);		/* 64 bits, with a mask */
	set_cap(RING, CAP, 0x09, 0x60, 0);
	set_cap(RING, 0x60, 0x09, CAP, 0);
	set_cap(CUT, 0xf8, 0x05, 0, 0x0180);
}

/* ---- Operations ----------------------------------------------------------------------------- */

static int map_from(unsigned device, bool is_x, u32 n, int *pirq)
{
	struct pirq_msi op = { BDF(device), is_x, n, -1 };
	int rc = pirq_map_msi(&dom, &op);

	*pirq = rc ? 0 : op.pirq;
	return rc;
}

static void write_control(unsigned device, u16 val)
{
	if (!pirq_conf_write(BDF(device), CAP + 2, 2, val))
		put16(&conf[device][CAP + 2], val);
}

static u16 control(unsigned device) { return get16(&conf[device][CAP + 2]); }

/* ---- By hand -------------------------------------------------------------------------------- */

static void test_capabilities(void)
{
	int n;

	ok(map_from(TABLE, true, 0, &n) == -ENODEV, "a device that nobody told of has no messages");
	for (unsigned i = 0; i < NR_DEVICES; i++)
		check(!pirq_device_add(BDF(i)) && !pirq_device_add(BDF(i)), "device %u", i);
	all_ok("devices are told of, twice");
	nr_reads = 0;
	check(!pirq_device_remove(BDF(RING)) && !pirq_device_add(BDF(RING)) && nr_reads < 100,
	      "%u reads", nr_reads);
	ok(map_from(RING, false, 0, &n) == -ENODEV, "a list of capabilities in a ring ends");
	ok(map_from(CUT, false, 0, &n) == -ENODEV, "a capability that is cut is none");
	ok(map_from(TABLE, false, 0, &n) == -ENODEV && map_from(PLAIN, true, 0, &n) == -ENODEV,
	   "a device has no capability of the other kind");
	check(!pirq_device_add(BDF(RING) + 1), "the console's");
	ok(map_from(RING, false, 1, &n) == -ENODEV, "nor has one of the hypervisor's");
}

static void test_entry(void)
{
	int n, m;

	ok(!map_from(TABLE, true, 0, &n) && n == NR_PIRQS - 1 && *entry(0, 0) == 0xfee04000 &&
		   !*entry(0, 1) && *entry(0, 2) == pirqs[n].vector && (*entry(0, 3) & 1),
	   "an entry in two pages is written, for CPU 0, and masked");
	ok(nr_guards == 2, "its table and its pending bits are guarded");
	ok(map_from(TABLE, true, 0, &m) == -EEXIST &&
		   map_from(TABLE, true, NR_ENTRIES, &m) == -EINVAL,
	   "it is not mapped twice, and none is behind the table");
	ok(!pirq_bind(&dom, n, 7, false, 2) && *entry(0, 0) == 0xfee06000 && !(*entry(0, 3) & 1),
	   "bound: unmasked, for that CPU");
	pirq_move(&dom, n, 7, 1);
	ok(*entry(0, 0) == 0xfee04000 && !(*entry(0, 3) & 1),
	   "a CPU whose id does not fit a message has another stand in for it");
	*entry(0, 0) = *entry(0, 2) = 0x77;
	*entry(0, 3) = 0xff00;
	ok(!pirq_device_restore(BDF(TABLE)) && *entry(0, 0) == 0xfee04000 &&
		   *entry(0, 2) == pirqs[n].vector && *entry(0, 3) == 0xff00,
	   "what is lost is restored; other bits of its control are left");
	set_bar((FRAME + 1) << PAGE_SHIFT);
	memset(memory, 0xaa, sizeof(memory));
	pirq_unbind(&dom, n, 7);
	ok(!pirq_unmap(&dom, n) && *entry(0, 0) == 0xaaaaaaaa && *entry(256, 0) == 0xaaaaaaaa,
	   "a table that has wandered is not written to, here or there");
	ok(!nr_guards, "guards end with the last message");
	build();
	put16(&conf[TABLE][4], 0);
	ok(map_from(TABLE, true, 0, &n) == -ENXIO, "no entry is mapped while memory is off");
	build();
	set_bar((FRAME + NR_FRAMES - 1) << PAGE_SHIFT);
	ok(map_from(TABLE, true, 1, &n) == -ENXIO, "nor one that would lie in RAM");
	set_bar(~0xffful);
	ok(map_from(TABLE, true, 1, &n) == -ENXIO, "nor beyond all addresses");
	build();
	is_controller = true;
	ok(map_from(TABLE, true, 1, &n) == -ENXIO, "nor on an interrupt controller");
	is_controller = false;
	most_guards = 1;
	ok(map_from(TABLE, true, 1, &n) == -ENOMEM && !nr_guards, "nor without a guard");
	most_guards = 100;
}

static void test_masks(void)
{
	int n;

	write_control(PLAIN, 0x0001);
	ok(!(control(PLAIN) & 1), "an MSI that is not mapped is not switched on");
	ok(!map_from(PLAIN, false, 0, &n) && get32(&conf[PLAIN][CAP + 4]) == 0xfee04000 &&
		   get16(&conf[PLAIN][CAP + 8]) == pirqs[n].vector,
	   "an MSI of 32 bits");
	write_control(PLAIN, 0x0051);
	ok(!(control(PLAIN) & 0x71), "while nothing is bound it stays off, and is of one message");
	check(!pirq_bind(&dom, n, 9, false, 0), "bind");
	ok((control(PLAIN) & 0x71) == 1, "bound, it is on, as was asked before");
	pirq_unbind(&dom, n, 9);
	ok(!(control(PLAIN) & 1), "and off when the port is closed");
	check(!pirq_bind(&dom, n, 9, false, 0), "bind");
	while (control(PLAIN) & 1)
		(void)pirq_interrupt(pirqs[n].vector);
	write_control(PLAIN, 1);
	ok(!(control(PLAIN) & 1) && strstr(log_text, "MSI, pirq"),
	   "a storm switches it off, and the domain not on again");
	pass(STORM_REST + 1);
	ok(control(PLAIN) & 1, "until it has rested");
	while (control(PLAIN) & 1)
		(void)pirq_interrupt(pirqs[n].vector);
	write_control(PLAIN, 0);
	pass(STORM_REST + 1);
	ok(!(control(PLAIN) & 1), "or not, if the domain has switched it off meanwhile");
	ok(!pirq_unmap(&dom, n) && !get32(&conf[PLAIN][CAP + 4]) && !get16(&conf[PLAIN][CAP + 8]),
	   "unmapped, nothing is left of it");

	ok(!map_from(MASKED, false, 0, &n) && get16(&conf[MASKED][CAP + 12]) == pirqs[n].vector &&
		   get32(&conf[MASKED][CAP + 16]) == 1,
	   "an MSI of 64 bits with a mask: masked");
	write_control(MASKED, 1);
	ok(control(MASKED) & 1, "it can be on all the same");
	check(!pirq_bind(&dom, n, 9, false, 0), "bind");
	ok(!get32(&conf[MASKED][CAP + 16]), "bound, it is not masked");
	for (unsigned reg = CAP - 4; reg < CAP + 28; reg++)
		for (unsigned bytes = 1; bytes <= 4; bytes *= 2)
			check(pirq_conf_write(BDF(MASKED), reg, bytes, 0xee) ==
				      (reg + bytes > CAP && reg < CAP + 24) || reg % bytes,
			      "%u bytes at %x", bytes, reg);
	ok(get16(&conf[MASKED][CAP + 12]) == pirqs[n].vector &&
		   get32(&conf[MASKED][CAP + 4]) == 0xfee04000 && !conf[MASKED][CAP + 8] &&
		   !get32(&conf[MASKED][CAP + 16]) && conf[MASKED][CAP] == 5 && !tap_unchecked,
	   "its registers, and no others, are kept from the domain");
	write_control(MASKED, 1);
	ok(!pirq_unmap(&dom, n) && !(control(MASKED) & 1) && get32(&conf[MASKED][CAP + 16]) == 1,
	   "unmapped, it is off and masked");
}

/* Interrupts on CPU 0. Returns how many there were when the message went to another. */
static unsigned until_moved(int n, u32 cpu, unsigned most)
{
	u32 was = *entry(0, 0);
	unsigned nr = 0;

	told_cpu = cpu;
	while (nr < most && *entry(0, 0) == was) {
		(void)pirq_interrupt(pirqs[n].vector);
		now += MILLISECS(1);
		nr++;
	}
	return nr;
}

static void test_following(void)
{
	int n;

	check(!map_from(TABLE, true, 0, &n) && !pirq_bind(&dom, n, 7, false, 0), "map and bind");
	ok(until_moved(n, 0, 100) == 100, "a message stays where its vCPU is");
	(void)until_moved(n, 2, 10);
	(void)until_moved(n, 0, 1);
	ok(until_moved(n, 2, 100) == 16 && *entry(0, 0) == 0xfee06000 && !(*entry(0, 3) & 1),
	   "and follows it when 16 in a row have come to where it is not");
	pirq_move(&dom, n, 7, 0);
	ok(until_moved(n, 1, 100) == 100, "not to a CPU that it cannot be sent to");
	told_cpu = 0;
	check(!pirq_unmap(&dom, n), "unmap");
}

/* Vectors: 191 there are, for 255 entries. */
static void test_vectors(void)
{
	static int got[NR_ENTRIES];
	unsigned nr[2] = { 0, 0 };
	int n, rc = 0;
	u8 first;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < NR_ENTRIES && !rc; i++) {
			rc = map_from(TABLE, true, i, &got[i]);
			nr[round] += !rc;
		}
		check(rc == -ENOSPC, "%d", rc);
		rc = 0;
		for (unsigned i = 0; i < nr[round]; i++)
			check(!pirq_unmap(&dom, got[i]), "unmap");
	}
	ok(nr[0] == 191 && nr[1] == 191, "191 messages have a vector each, and give it back");
	check(!map_from(TABLE, true, 0, &n), "map");
	first = pirqs[n].vector;
	check(!pirq_unmap(&dom, n) && !map_from(TABLE, true, 0, &n), "again");
	ok(pirqs[n].vector != first,
	   "a vector that was given back is not the next that is given out");
	check(!pirq_unmap(&dom, n), "unmap");
	all_ok("no error on the way");
}

/* ---- At random ------------------------------------------------------------------------------ */

/* What must hold after whatever operations. */
static bool holds(void)
{
	static u8 owner[256];
	unsigned mapped = 0;

	memset(owner, 0, sizeof(owner));
	for (u32 n = NR_LINES; n < NR_PIRQS; n++) {
		const struct pirq *p = &pirqs[n];

		if (!pirq_is_msi(p) != !p->owner || (p->owner && owner[p->vector]++))
			return false;
		if (!pirq_is_msi(p) || !p->msi.is_x)
			continue;
		mapped++;
		if (*entry(p->msi.entry, 2) != p->vector ||
		    (*entry(p->msi.entry, 3) & 1) != !p->port)
			return false;
	}
	for (unsigned i = 0; i < NR_ENTRIES; i++)
		if (!(*entry(i, 3) & 1) && !*entry(i, 2))
			return false;
	return !mapped == !nr_guards;
}

static void test_random(void)
{
	static u32 port_of[NR_PIRQS];
	u32 next_port = 1;

	for (unsigned i = 0; i < 200000 && !tap_unchecked; i++) {
		u32 n = NR_LINES + tap_random() % (NR_PIRQS - NR_LINES);
		int any;

		if (tap_random() % 2)
			n = NR_PIRQS - 1 - tap_random() % 16;
		switch (tap_random() % 6) {
		case 0:
			(void)!map_from(TABLE, true, tap_random() % 12, &any);
			break;
		case 1:
			(void)!pirq_unmap(&dom, n);
			break;
		case 2:
			if (!pirq_bind(&dom, n, next_port, false, tap_random() % NR_CPUS))
				port_of[n] = next_port++;
			break;
		case 3:
			pirq_unbind(&dom, n, port_of[n]);
			break;
		case 4:
			pirq_move(&dom, n, port_of[n], tap_random() % NR_CPUS);
			break;
		case 5:
			if (tap_random() % 64)
				(void)!pirq_device_restore(BDF(TABLE));
			else if (!pirq_device_remove(BDF(TABLE)))
				(void)!pirq_device_add(BDF(TABLE));
			break;
		}
		check(holds(), "after operation %u", i);
	}
	all_ok("200,000 operations: a vector is one message's, and who is not bound is masked");
}

int main(void)
{
	static struct acpi_info acpi;

	build();
	pirq_init(&acpi);
	test_capabilities();
	test_entry();
	test_masks();
	test_following();
	test_vectors();
	test_random();
	return done();
}
