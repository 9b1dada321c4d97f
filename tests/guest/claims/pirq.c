/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of devices, as domain 0 gets them: a line (GSI) is mapped to a pirq, the pirq is bound
 * to a port, each interrupt makes the port pending, and a level line stays quiet until
 * PHYSDEVOP_eoi.
 *
 * The guest drives two devices through I/O ports: the RTC, whose periodic interrupt is an edge on
 * line 8, and the ACPI timer of a PIIX4, whose overflow holds its line until it is acknowledged.
 * Where there is no PIIX4, the claims about levels are skipped.
 */
#define TOPIC "pirq"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../pci.h"
#include "../sibling.h"
#include "../text.h"
#include "../traps.h"

#define RTC_LINE	8u
#define SCI_LINE	9u
#define COM1_LINE	4u
#define FREE_LINE	20u		/* nothing binds it here, nor maps the one after it */
#define NO_LINE		0xfffffffu
#define IOAPIC_BASE	0xfec00000ul
#define LAPIC_BASE	0xfee00000ul

/* ---- Calls. Results are the hypercalls'. ---- */

static long map_gsi(int gsi, int pirq)
{
	struct physdev_map_pirq op = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI,
				       .index = gsi, .pirq = pirq };
	long rc = HC2(physdev_op, PHYSDEVOP_map_pirq, &op);

	return rc ? rc : op.pirq;
}

static long unmap(int pirq)
{
	struct physdev_unmap_pirq op = { .domid = DOMID_SELF, .pirq = pirq };

	return HC2(physdev_op, PHYSDEVOP_unmap_pirq, &op);
}

static long setup_gsi(int gsi, bool level, bool low)
{
	struct physdev_setup_gsi op = { .gsi = gsi, .triggering = level, .polarity = low };

	return HC2(physdev_op, PHYSDEVOP_setup_gsi, &op);
}

static long eoi(uint32_t pirq)
{
	struct physdev_eoi op = { .irq = pirq };

	return HC2(physdev_op, PHYSDEVOP_eoi, &op);
}

/* A port for line @line, unmasked. */
static uint32_t bound(uint32_t line, uint32_t flags)
{
	int port;

	CHECK_EQ(map_gsi((int)line, (int)line), line);
	port = port_bind_pirq(line, flags);
	CHECK_SAY(port > 0, "bind_pirq of %u answered %d", line, port);
	return (uint32_t)port;
}

/* ---- Devices ---- */

static uint8_t rtc_read(uint8_t reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static void rtc_write(uint8_t reg, uint8_t v)
{
	out8(0x70, reg);
	out8(0x71, v);
}

#define RTC_A	0x0a			/* 3:0 rate */
#define RTC_B	0x0b			/* 6 periodic interrupt */
#define RTC_C	0x0c			/* why it interrupted; reading lowers the line */
#define RTC_PERIODIC 0x40

/* 64 interrupts a second, each for as long as the last was acknowledged by rtc_ack(). */
static void rtc_start(void)
{
	ports_allow();
	rtc_write(RTC_A, (rtc_read(RTC_A) & 0xf0) | 10);
	rtc_write(RTC_B, rtc_read(RTC_B) | RTC_PERIODIC);
	rtc_read(RTC_C);
}

static void rtc_ack(void)
{
	rtc_read(RTC_C);
}

static void rtc_stop(void)
{
	rtc_write(RTC_B, rtc_read(RTC_B) & ~RTC_PERIODIC);
	rtc_read(RTC_C);
}

#define PM_TIMER_BIT 1u			/* in status (+0, write 1 to clear) and enable (+2) */

#define PIIX4_ID	0x71138086u
#define SUBSYSTEM	0x2cu
#define PM_BASE		0x40u

static unsigned int piix4(void)
{
	unsigned int bdf = pci_find(PIIX4_ID);

	if (bdf == PCI_NO_DEVICE)
		skip("there is no PIIX4");
	return bdf;
}

/* QEMU wires it as a PC does; Bochs as PCI's pin INTA of that device, through lines 16 to 19. */
static uint32_t piix4_line(void)
{
	unsigned int bdf = piix4();

	if ((pci_read(bdf, SUBSYSTEM) & 0xffff) == 0x1af4)
		return SCI_LINE;
	return 16 + ((bdf >> 3) - 1) % 4;
}

/* Its PM1 event block, the timer's status set: an overflow every 2.3 s sets it. */
static uint16_t pm_timer_overflowed(void)
{
	uint16_t port = pci_read(piix4(), PM_BASE) & 0xffc0;

	CHECK(WAIT_FOR(in16(port) & PM_TIMER_BIT, 15000));
	return port;
}

/* ---- Claims ---- */

CLAIM_DOM0(map, "map_pirq of a line answers the pirq asked for, a second time too")
{
	CHECK_EQ(map_gsi(RTC_LINE, RTC_LINE), RTC_LINE);
	CHECK_EQ(map_gsi(RTC_LINE, RTC_LINE), RTC_LINE);
}

CLAIM_DOM0(map_refusals, "map_pirq refuses lines that do not exist, types and domains that do not "
		    "exist, and arguments that cannot be read")
{
	struct physdev_map_pirq op = { .domid = DOMID_SELF, .type = 77, .index = 8, .pirq = 8 };

	CHECK_ERR(map_gsi(-1, 5), XEN_EINVAL);
	CHECK_ERR(map_gsi(0, 0), XEN_EPERM);
	CHECK_ERR(map_gsi(NO_LINE, 5), XEN_EINVAL);
	CHECK_ERR(map_gsi(NO_LINE, NO_LINE), XEN_EINVAL);
	CHECK_ERR(map_gsi(NO_LINE, -1), XEN_EINVAL);
	CHECK_ERR(map_gsi(-1, -1), XEN_EINVAL);
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_map_pirq, &op), XEN_EINVAL);
	op.type = MAP_PIRQ_TYPE_GSI;
	op.domid = 1234;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_map_pirq, &op), XEN_ESRCH);
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_map_pirq, UNMAPPED_POINTER), XEN_EFAULT);
}

/* Xen takes the right to the line away with the mapping: no claim maps FREE_LINE again. */
CLAIM_DOM0(unmap, "unmap_pirq ends a mapping once; of what is not mapped it is -EINVAL")
{
	CHECK_EQ(map_gsi(FREE_LINE, FREE_LINE), FREE_LINE);
	CHECK_OK(unmap(FREE_LINE));
	CHECK_ERR(unmap(FREE_LINE), XEN_EINVAL);
	CHECK_ERR(unmap(-1), XEN_EINVAL);
	CHECK_ERR(unmap(NO_LINE), XEN_EINVAL);
}

CLAIM_DOM0(bind, "a mapped pirq can be bound once; its port says so, cannot be sent to, and "
	   "when closed can be bound again")
{
	struct evtchn_status s;
	uint32_t p = bound(RTC_LINE, 0);

	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_pirq);
	CHECK_EQ(s.u.pirq, RTC_LINE);
	CHECK_EQ(s.vcpu, 0);
	CHECK_ERR(port_bind_pirq(RTC_LINE, 0), XEN_EEXIST);
	CHECK_ERR(port_send(p), XEN_EINVAL);
	CHECK_OK(port_close(p));
	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_closed);
	p = bound(RTC_LINE, 0);
	CHECK(p > 0);
}

CLAIM_DOM0(bind_refusals, "bind_pirq refuses numbers that do not exist, pirqs that are not "
	   "mapped, and lines that the hypervisor uses itself")
{
	CHECK_ERR(port_bind_pirq(NO_LINE, 0), XEN_EINVAL);
	CHECK_ERR(port_bind_pirq(0xffffffff, 0), XEN_EINVAL);
	CHECK_ERR(port_bind_pirq(FREE_LINE, 0), XEN_EPERM);
	CHECK_EQ(map_gsi(COM1_LINE, COM1_LINE), COM1_LINE);
	CHECK_ERR(port_bind_pirq(COM1_LINE, 0), XEN_EBUSY);
	CHECK_ERR(setup_gsi(COM1_LINE, false, false), XEN_EEXIST);
}

CLAIM_DOM0(setup, "setup_gsi of a line is 0 the first time and -EEXIST afterwards; of no line, "
	   "-EINVAL")
{
	long rc = setup_gsi(FREE_LINE, true, true);

	CHECK(rc == 0 || rc == -XEN_EEXIST);
	CHECK_ERR(setup_gsi(FREE_LINE, true, true), XEN_EEXIST);
	CHECK_ERR(setup_gsi(-1, true, true), XEN_EINVAL);
	CHECK_ERR(setup_gsi(NO_LINE, true, true), XEN_EINVAL);
}

CLAIM_DOM0(vector,
      "alloc_irq_vector answers the line's own number; irq_status_query says that an EOI is due")
{
	struct physdev_irq v = { .irq = RTC_LINE };
	struct physdev_irq_status_query q = { .irq = RTC_LINE };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_alloc_irq_vector, &v));
	CHECK_EQ(v.vector, RTC_LINE);
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_irq_status_query, &q));
	CHECK_EQ(q.flags, XENIRQSTAT_needs_eoi);
	q.irq = NO_LINE;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_irq_status_query, &q), XEN_EINVAL);
}

CLAIM_DOM0(eoi_nothing, "an EOI of a bound pirq with no interrupt is 0; of no pirq, and of one "
	   "that nobody mapped, -EINVAL")
{
	uint32_t p = bound(RTC_LINE, 0);

	CHECK(p > 0);
	CHECK_OK(eoi(RTC_LINE));
	CHECK_OK(eoi(RTC_LINE));
	CHECK_ERR(eoi(NO_LINE), XEN_EINVAL);
	CHECK_ERR(eoi(0xffffffff), XEN_EINVAL);
	CHECK_ERR(eoi(FREE_LINE + 1), XEN_EINVAL);
}

CLAIM_DOM0(ioapic_read, "apic_read shows an I/O APIC's version and its number of lines; of no "
	   "I/O APIC, -EINVAL")
{
	struct physdev_apic a = { .apic_physbase = IOAPIC_BASE, .reg = 1 };

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_apic_read, &a));
	CHECK((a.value & 0xff) >= 0x10 && (a.value & 0xff) < 0x30);
	CHECK((a.value >> 16 & 0xff) >= FREE_LINE);
	a.apic_physbase = IOAPIC_BASE + 0x100000;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_apic_read, &a), XEN_EINVAL);
}

CLAIM(no_controller_pages,
      "a page of an I/O APIC or of the local APICs cannot be mapped, or only to read")
{
	static const uint64_t bases[] = { IOAPIC_BASE, LAPIC_BASE };

	for (unsigned int i = 0; i < 2; i++) {
		long rc = remap(window(i), bases[i] | PTE_RW_PAGE | PTE_PCD | PTE_PWT);

		CHECK_SAY(rc || !(l1e(window(i)) & 2), "page %lx can be written", bases[i]);
		CHECK_SAY(rc || bases[i] != LAPIC_BASE, "a local APIC can be read");
	}
}

CLAIM_DOM0(eoi_page, "a page for EOI bits can be given once, and must be the domain's own")
{
	struct physdev_pirq_eoi_gmfn op = { .gmfn = l4_mfn() };
	uint64_t *page = page_alloc();

	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &op), XEN_EINVAL);
	op.gmfn = ~0ul >> 12;
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &op), XEN_EINVAL);
	op.gmfn = mfn_of(page);
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &op));
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &op), XEN_EBUSY);
	page[0] = 1ul << RTC_LINE;
	bound(RTC_LINE, 0);
	CHECK_EQ(page[0], 0);
	setup_gsi(SCI_LINE, true, false);
	bound(SCI_LINE, BIND_PIRQ__WILL_SHARE);
	CHECK_EQ(page[0], 1ul << SCI_LINE);
}

CLAIM_DOM0(edge, "each interrupt of the RTC is an event; an edge needs no EOI")
{
	uint32_t p = bound(RTC_LINE, 0);

	port_unmask(p);
	rtc_start();
	for (uint32_t i = 1; i <= 8; i++) {
		CHECK_SAY(WAIT_FOR(evtchn_count[p] >= i, 5000), "%u of 8 events", evtchn_count[p]);
		rtc_ack();
	}
	rtc_stop();
}

CLAIM_DOM0(edge_masked, "an interrupt on a masked port waits there")
{
	uint32_t p = bound(RTC_LINE, 0);

	rtc_start();
	CHECK(WAIT_FOR(port_pending(p), 5000));
	CHECK_EQ(evtchn_count[p], 0);
	rtc_stop();
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_unmask, &(struct evtchn_unmask){ .port = p }));
	CHECK_EQ(evtchn_count[p], 1);
}

/* The sibling runs, with upcalls masked, and passes through the hypervisor. */
static void other_waits(void)
{
	while (!stop)
		HC2(sched_op, SCHEDOP_yield, 0);
}

CLAIM_DOM0(moved, "after bind_vcpu an interrupt is the other vCPU's: its selector is set, and "
	   "not ours")
{
	uint32_t p = bound(RTC_LINE, 0);
	struct evtchn_bind_vcpu op = { .port = p, .vcpu = OTHER };
	struct evtchn_status s;

	other_start();
	stop = false;
	job = other_waits;
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &op));
	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.vcpu, OTHER);
	shared->vcpu_info[OTHER].evtchn_pending_sel = 0;
	upcall_count = 0;
	port_unmask(p);
	rtc_start();
	CHECK(WAIT_FOR(shared->vcpu_info[OTHER].evtchn_pending_sel & 1ul << p / 64, 5000));
	rtc_stop();
	CHECK(port_pending(p));
	CHECK_EQ(evtchn_count[p], 0);
	stop = true;
	CHECK(WAIT_FOR(!job, 5000));
	other_stop_with(p);
}

CLAIM_DOM0(unbound, "after close no interrupt of the line arrives, and after bind they arrive "
	   "again")
{
	uint32_t p = bound(RTC_LINE, 0);

	port_unmask(p);
	rtc_start();
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
	CHECK_OK(port_close(p));
	rtc_ack();
	evtchn_count[p] = 0;
	port_clear(p);
	CHECK(!WAIT_FOR(evtchn_count[p] || port_pending(p), 100));
	p = bound(RTC_LINE, 0);
	port_unmask(p);
	evtchn_count[p] = 0;
	rtc_ack();
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
	rtc_stop();
}

CLAIM_DOM0(unmapped, "unmap_pirq of a bound pirq stops its interrupts")
{
	uint32_t p = bound(RTC_LINE, 0);

	port_unmask(p);
	rtc_start();
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
	CHECK_OK(unmap(RTC_LINE));
	rtc_ack();
	evtchn_count[p] = 0;
	CHECK(!WAIT_FOR(evtchn_count[p], 100));
	rtc_stop();
}

/* A level line that its device has raised. */
struct raised {
	uint16_t pm;			/* the device's PM1 event block */
	uint32_t line, port;		/* the port is not masked */
};

static struct raised raise_level(void)
{
	struct raised r;

	ports_allow();
	r.pm = pm_timer_overflowed();
	r.line = piix4_line();
	setup_gsi((int)r.line, true, false);
	r.port = bound(r.line, BIND_PIRQ__WILL_SHARE);
	port_unmask(r.port);
	out16(r.pm + 2, in16(r.pm + 2) | PM_TIMER_BIT);
	return r;
}

static void lower_level(const struct raised *r)
{
	out16(r->pm + 2, in16(r->pm + 2) & ~PM_TIMER_BIT);
}

CLAIM(level, "a level line that stays raised is an event again after each EOI, until the device is "
      "acknowledged")
{
	struct raised r = raise_level();

	for (uint32_t i = 1; i <= 8; i++) {
		CHECK_SAY(WAIT_FOR(evtchn_count[r.port] >= i, 5000), "%u of 8 events",
			  evtchn_count[r.port]);
		CHECK_OK(eoi(r.line));
	}
	lower_level(&r);
	WAIT_FOR(false, 10);
	eoi(r.line);
	evtchn_count[r.port] = 0;
	CHECK(!WAIT_FOR(evtchn_count[r.port], 50));
}

CLAIM_ISOLA_ONLY(level_quiet, "a level line is one event until the EOI, however long that takes",
		 "Xen takes the EOI for given after 1 ms")
{
	struct raised r = raise_level();

	for (uint32_t i = 1; i <= 3; i++) {
		CHECK(WAIT_FOR(evtchn_count[r.port] >= i, 5000));
		CHECK(!WAIT_FOR(evtchn_count[r.port] > i, 50));
		CHECK_OK(eoi(r.line));
	}
	lower_level(&r);
}

CLAIM(level_closed, "a level line closed before its EOI interrupts again once it is bound anew")
{
	struct raised r;

	for (unsigned int i = 0; i < 3; i++) {
		r = raise_level();
		CHECK_SAY(WAIT_FOR(evtchn_count[r.port], 5000), "round %u", i);
		CHECK_OK(port_close(r.port));
		evtchn_count[r.port] = 0;
	}
	lower_level(&r);
}
