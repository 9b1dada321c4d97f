/* SPDX-License-Identifier: MIT */
/*
 * Interrupts by messages of a device's table (MSI-X), as domain 0 gets them: entries are mapped one
 * by one, a message that comes while its entry is masked waits, and the table is the hypervisor's.
 *
 * The device is QEMU's virtio-rng, driven through its I/O ports (virtio 1.0, "legacy interface"):
 * each request for random bytes ends with a message. Where there is none, the claims are skipped.
 */
#define TOPIC "msix"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../messages.h"
#include "../pci.h"
#include "../sibling.h"

#define RNG_ID		0x10051af4u
#define CONTROL		2u
#define MASKALL		0x4000u
#define ENABLE		0x8000u
#define ENTRY(n)	(4 * (n))	/* dwords: address, its upper half, data, control */
#define UNCACHED	(PTE_PCD | PTE_PWT)

/* Ports. */
#define QUEUE_PAGE	0x08
#define QUEUE_SIZE	0x0c
#define QUEUE		0x0e
#define NOTIFY		0x10
#define STATUS		0x12
#define QUEUE_ENTRY	0x16
#define DRIVER_OK	7
#define FROM_DEVICE	2		/* a descriptor's flag */

/* A queue: descriptors and what is offered, then on a page of its own what is done. */
static uint8_t queue[2 * PAGE_BYTES] __attribute__((aligned(4096)));

struct rng {
	unsigned int bdf, cap, nr_entries, size;
	uint16_t port;
	uint64_t table;			/* machine address */
	uint16_t nr_asked;
};

static struct rng rng(void)
{
	struct rng r = { 0 };

	messages_reset();
	ports_allow();
	r.bdf = pci_find(RNG_ID);
	if (r.bdf == PCI_NO_DEVICE)
		skip("there is no virtio-rng");
	if (mfn_of(queue + PAGE_BYTES) != mfn_of(queue) + 1)
		skip("there are no two pages one behind the other");
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, r.bdf));
	r.cap = pci_cap(r.bdf, CAP_MSIX);
	r.port = pci_read(r.bdf, PCI_BAR(0)) & 0xfffc;
	r.nr_entries = (pci_read16(r.bdf, r.cap + CONTROL) & 0x7ff) + 1u;
	r.table = pci_read(r.bdf, PCI_BAR(pci_read(r.bdf, r.cap + 4) & 7)) & ~0xfffu;
	pci_write16(r.bdf, PCI_COMMAND, 1 | PCI_MEMORY | PCI_MASTER);
	pci_write16(r.bdf, r.cap + CONTROL, ENABLE);
	return r;
}

/* Its queue, whose messages are those of entry 0. */
static void start_queue(struct rng *r)
{
	for (unsigned int i = 0; i < sizeof(queue); i++)
		queue[i] = 0;
	out8(r->port + STATUS, 0);
	out8(r->port + STATUS, 3);
	out16(r->port + QUEUE, 0);
	r->size = in16(r->port + QUEUE_SIZE);
	CHECK(r->size * 16 + 6 + 2 * r->size <= PAGE_BYTES);
	out32(r->port + QUEUE_PAGE, (uint32_t)mfn_of(queue));
	out16(r->port + QUEUE_ENTRY, 0);
	CHECK_EQ(in16(r->port + QUEUE_ENTRY), 0);
	out8(r->port + STATUS, DRIVER_OK);
}

/* Eight bytes are asked for; done() is how often that has been answered. */
static void ask(struct rng *r)
{
	static uint64_t bytes;
	volatile uint64_t *descriptor = (uint64_t *)queue;
	volatile uint16_t *offered = (uint16_t *)(queue + 16 * r->size);

	descriptor[0] = maddr_of(&bytes);
	descriptor[1] = 8 | (uint64_t)FROM_DEVICE << 32;
	offered[2 + r->nr_asked % r->size] = 0;
	asm volatile("mfence" ::: "memory");
	offered[1] = ++r->nr_asked;
	asm volatile("mfence" ::: "memory");
	out16(r->port + NOTIFY, 0);
}

static bool done(const struct rng *r)
{
	return ((volatile uint16_t *)(queue + PAGE_BYTES))[1] == r->nr_asked;
}

static long map_entry(const struct rng *r, int entry)
{
	return map_message(r->bdf, entry, r->table);
}

static uint32_t bound(const struct rng *r, bool open)
{
	long pirq = map_entry(r, 0);

	CHECK_SAY(pirq >= NR_LINES, "map_pirq answered %ld", pirq);
	return bind_message(pirq, open);
}

CLAIM_DOM0(map,
	   "each entry of a table is mapped once, to a number of its own, and again when it was "
	   "unmapped")
{
	struct rng r = rng();
	long a = map_entry(&r, 0), b = map_entry(&r, 1);

	CHECK(a >= NR_LINES && b >= NR_LINES && a != b);
	CHECK_OK(unmap_message(b));
	CHECK(map_entry(&r, 1) >= NR_LINES);
}

CLAIM_DOM0(map_refusals,
	   "no entry is mapped behind the table's end, nor while the device's memory is off")
{
	struct rng r = rng();

	CHECK_ERR(map_entry(&r, (int)r.nr_entries), XEN_EINVAL);
	CHECK_ERR(map_entry(&r, 2048), XEN_EINVAL);
	CHECK_ERR(map_entry(&r, -1), XEN_EINVAL);
	pci_write16(r.bdf, PCI_COMMAND, 1 | PCI_MASTER);
	CHECK_ERR(map_entry(&r, 0), XEN_ENXIO);
	pci_write16(r.bdf, PCI_COMMAND, 1 | PCI_MEMORY | PCI_MASTER);
	CHECK(map_entry(&r, 0) >= NR_LINES);
}

CLAIM_DOM0(arrives, "each message of an entry is an event")
{
	struct rng r = rng();
	uint32_t p = bound(&r, true);

	start_queue(&r);
	for (uint32_t i = 1; i <= 8; i++) {
		ask(&r);
		CHECK_SAY(WAIT_FOR(evtchn_count[p] >= i, 5000), "%u of %u events",
			  evtchn_count[p], i);
		CHECK(done(&r));
	}
}

CLAIM_ISOLA_ONLY(map_twice,
		 "an entry that is mapped is not mapped again",
		 "Xen forgets what was mapped first")
{
	struct rng r = rng();

	CHECK(map_entry(&r, 1) >= NR_LINES);
	CHECK_ERR(map_entry(&r, 1), XEN_EEXIST);
	CHECK(map_entry(&r, 0) >= NR_LINES);
}

CLAIM_DOM0(unbound, "a message that comes before its pirq is bound waits in the device until it is")
{
	struct rng r = rng();
	struct evtchn_bind_pirq op = { .pirq = (uint32_t)map_entry(&r, 0) };

	CHECK((int)op.pirq >= NR_LINES);
	start_queue(&r);
	ask(&r);
	CHECK(WAIT_FOR(done(&r), 5000));
	WAIT_FOR(false, 20);
	/* port_bind_pirq() would forget what is pending */
	CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_pirq, &op));
	CHECK(WAIT_FOR(port_pending(op.port), 5000));
	CHECK_OK(port_close(op.port));
	port_clear(op.port);
}

CLAIM_DOM0(closed, "when its port is closed nothing comes of an entry's messages")
{
	struct rng r = rng();
	long pirq = map_entry(&r, 0);
	uint32_t p = bind_message(pirq, true);

	start_queue(&r);
	CHECK_OK(port_close(p));
	ask(&r);
	CHECK(WAIT_FOR(done(&r), 5000));
	CHECK(!WAIT_FOR(evtchn_count[p] || port_pending(p), 20));
	CHECK_OK(unmap_message(pirq));
	ask(&r);
	CHECK(WAIT_FOR(done(&r), 5000));
	CHECK(!WAIT_FOR(evtchn_count[p] || port_pending(p), 20));
}

static void other_waits(void)
{
	while (!stop)
		HC2(sched_op, SCHEDOP_yield, 0);
}

CLAIM_DOM0(moved, "no message of an entry is lost that comes while it is moved from vCPU to vCPU")
{
	struct rng r = rng();
	uint32_t p = bound(&r, false);
	struct evtchn_bind_vcpu op = { .port = p };

	start_queue(&r);
	other_start();
	stop = false;
	job = other_waits;
	for (unsigned int i = 0; i < 100; i++) {
		port_clear(p);
		ask(&r);
		op.vcpu = i & 1 ? 0 : OTHER;
		CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &op));
		CHECK_SAY(WAIT_FOR(port_pending(p), 5000), "message %u did not come", i);
		shared->vcpu_info[op.vcpu].evtchn_pending_sel &= ~(1ul << p / 64);
	}
	stop = true;
	CHECK(WAIT_FOR(!job, 5000));
	other_stop_with(p);
}

/* Can a page be mapped writable that can be mapped at all? */
static bool is_writable(uint64_t maddr)
{
	CHECK_OK(remap(window(1), maddr | PTE_RO_PAGE | UNCACHED));
	CHECK_OK(remap(window(1), maddr | PTE_RW_PAGE | UNCACHED));
	return l1e(window(1)) & PTE_RW;
}

CLAIM_DOM0(guarded,
	   "while an entry is mapped a new mapping of the table is for reading, and what is "
	   "stored there is dropped; before and after it is one for writing")
{
	struct rng r = rng();
	volatile uint32_t *table = window(1);
	uint32_t was;
	long pirq;

	CHECK(is_writable(r.table));
	pirq = map_entry(&r, 0);
	CHECK(pirq >= NR_LINES);
	CHECK(!is_writable(r.table));
	was = table[ENTRY(0)];
	table[ENTRY(0)] = 0xfee01000;
	CHECK_EQ(table[ENTRY(0)], was);
	CHECK_OK(unmap_message(pirq));
	CHECK(is_writable(r.table));
}

CLAIM_DOM0(restored, "restore_msi_ext writes anew what a table has lost")
{
	struct rng r = rng();
	volatile uint32_t *table = window(1);
	uint32_t p, low, data;

	CHECK(is_writable(r.table));	/* a mapping from before it is guarded */
	p = bound(&r, true);
	start_queue(&r);
	low = table[ENTRY(0)];
	data = table[ENTRY(0) + 2];
	CHECK_EQ(low & 0xfff00000, 0xfee00000);
	table[ENTRY(0)] = table[ENTRY(0) + 2] = 0;
	table[ENTRY(0) + 3] = 1;
	CHECK_OK(pci_op(PHYSDEVOP_restore_msi_ext, r.bdf));
	CHECK_EQ(table[ENTRY(0)], low);
	CHECK_EQ(table[ENTRY(0) + 2], data);
	ask(&r);
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
}

CLAIM_DOM0(config, "of the capability the control word can be written, as a word, and nothing else")
{
	struct rng r = rng();
	uint32_t p = bound(&r, true);

	pci_write16(r.bdf, r.cap + CONTROL, ENABLE | MASKALL);
	CHECK_EQ(pci_read16(r.bdf, r.cap + CONTROL) & (ENABLE | MASKALL), ENABLE | MASKALL);
	start_queue(&r);
	ask(&r);
	CHECK(WAIT_FOR(done(&r), 5000));
	CHECK(!WAIT_FOR(evtchn_count[p], 20));
	pci_write8(r.bdf, r.cap + CONTROL + 1, ENABLE >> 8);
	pci_write(r.bdf, r.cap, (uint32_t)ENABLE << 16);
	CHECK_EQ(pci_read16(r.bdf, r.cap + CONTROL) & (ENABLE | MASKALL), ENABLE | MASKALL);
	pci_write16(r.bdf, r.cap + CONTROL, ENABLE);
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
}

CLAIM_DOM0(prepared, "a table is prepared once, and released once; not while an entry is mapped")
{
	struct rng r = rng();
	long pirq;

	CHECK_OK(pci_op(PHYSDEVOP_prepare_msix, r.bdf));
	CHECK_ERR(pci_op(PHYSDEVOP_prepare_msix, r.bdf), XEN_EBUSY);
	CHECK(!is_writable(r.table));
	CHECK_OK(pci_op(PHYSDEVOP_release_msix, r.bdf));
	CHECK(is_writable(r.table));
	CHECK_ERR(pci_op(PHYSDEVOP_release_msix, r.bdf), XEN_EBUSY);
	pirq = map_entry(&r, 0);
	CHECK(pirq >= NR_LINES);
	CHECK_ERR(pci_op(PHYSDEVOP_prepare_msix, r.bdf), XEN_EBUSY);
}
