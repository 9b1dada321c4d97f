/* SPDX-License-Identifier: MIT */
/*
 * Interrupts by messages of a device's MSI, as domain 0 gets them: a message is mapped to a pirq,
 * the pirq is bound to a port, each message makes the port pending, and none comes when the port is
 * closed or the mapping ends.
 *
 * The device is QEMU's "edu": a store to its register raises its interrupt, once for each store,
 * and its MSI cannot be masked. Where there is none, the claims are skipped.
 */
#define TOPIC "msi"
#include "../claim.h"
#include "../clock.h"
#include "../events.h"
#include "../memory.h"
#include "../messages.h"
#include "../pci.h"
#include "../sibling.h"

#define EDU_ID		0x11e81234u
#define OTHER_ID	0x10051af4u	/* a device with MSI-X: virtio-rng */
#define EDU_RAISE	(0x60 / 4)	/* as dwords: why it interrupts */
#define EDU_ACK		(0x64 / 4)
#define MSI_ENABLE	1u
#define CONTROL		2u
#define DATA		12u		/* its address is of 64 bits */
#define NOBODY		0x7f08u		/* a device that nobody has told of */

struct edu {
	unsigned int bdf, cap;
	volatile uint32_t *regs;
};

static struct edu edu(void)
{
	struct edu e;

	messages_reset();
	ports_allow();
	e.bdf = pci_find(EDU_ID);
	if (e.bdf == PCI_NO_DEVICE)
		skip("there is no device \"edu\"");
	e.cap = pci_cap(e.bdf, CAP_MSI);
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, e.bdf));
	pci_write16(e.bdf, PCI_COMMAND,
		    (uint16_t)(pci_read16(e.bdf, PCI_COMMAND) | PCI_MEMORY | PCI_MASTER));
	CHECK_OK(remap(window(0), (pci_read(e.bdf, PCI_BAR(0)) & ~0xfffu) | PTE_RW_PAGE | PTE_PCD |
					  PTE_PWT));
	e.regs = window(0);
	e.regs[EDU_ACK] = ~0u;
	return e;
}

static void enable(const struct edu *e, uint16_t bits)
{
	uint16_t control = pci_read16(e->bdf, e->cap + CONTROL);

	pci_write16(e->bdf, e->cap + CONTROL, (uint16_t)((control & ~MSI_ENABLE) | bits));
}

/* Its message, enabled. */
static long edu_mapped(const struct edu *e)
{
	long pirq;

	enable(e, 0);
	pirq = map_message(e->bdf, 0, 0);
	CHECK_SAY(pirq >= NR_LINES, "map_pirq answered %ld", pirq);
	enable(e, MSI_ENABLE);
	return pirq;
}

CLAIM_DOM0(map,
	   "a device that was told of has one MSI to map: its number is no line's, and it can be "
	   "mapped again when it was unmapped")
{
	struct edu e = edu();
	long pirq = edu_mapped(&e);

	CHECK_OK(unmap_message(pirq));
	CHECK_ERR(unmap_message(pirq), XEN_EINVAL);
	pirq = edu_mapped(&e);
	CHECK(pirq >= NR_LINES);
}

CLAIM_DOM0(map_types, "an MSI is mapped by each of the types MSI, MSI_SEG, and MULTI_MSI of one")
{
	static const int types[] = { MAP_PIRQ_TYPE_MSI, MAP_PIRQ_TYPE_MSI_SEG,
				     MAP_PIRQ_TYPE_MULTI_MSI };
	struct edu e = edu();

	for (unsigned int i = 0; i < 3; i++) {
		long pirq = map_any((struct physdev_map_pirq){
			.domid = DOMID_SELF, .type = types[i], .index = -1, .pirq = -1,
			.bus = (int)(e.bdf >> 8), .devfn = (int)(e.bdf & 0xff), .entry_nr = 1 });

		CHECK_SAY(pirq >= NR_LINES, "type %d answered %ld", types[i], pirq);
		CHECK_OK(unmap_message(pirq));
	}
}

CLAIM_DOM0(map_refusals,
	   "of a device that nobody told of, one of another segment and one without MSI nothing "
	   "is mapped, nor several messages at once")
{
	struct edu e = edu();
	struct physdev_map_pirq op = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MULTI_MSI,
				       .index = -1, .pirq = -1, .devfn = (int)(e.bdf & 0xff) };

	CHECK_ERR(map_message(NOBODY, 0, 0), XEN_ENODEV);
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, 0));
	CHECK_ERR(map_message(0, 0, 0), XEN_ENODEV);
	CHECK_ERR(map_message(e.bdf | 1u << 24, 0, 0), XEN_ENODEV);
	op.entry_nr = 2;
	CHECK_ERR(map_any(op), XEN_EOPNOTSUPP);
	op.entry_nr = 0;
	CHECK_ERR(map_any(op), XEN_EDOM);
	op.entry_nr = 33;
	CHECK_ERR(map_any(op), XEN_EDOM);
	op.entry_nr = -1;
	CHECK_ERR(map_any(op), XEN_EDOM);
	op.entry_nr = 1;
	op.table_base = 1;
	CHECK_ERR(map_any(op), XEN_EINVAL);
	op.table_base = 0;
	op.domid = 1234;
	CHECK_ERR(map_any(op), XEN_ESRCH);
	op.domid = DOMID_SELF;
	op.type = MAP_PIRQ_TYPE_MSI;
	op.index = 3;
	CHECK_ERR(map_any(op), XEN_EINVAL);
}

CLAIM_DOM0(map_number, "an MSI gets the number that get_free_pirq has reserved, if it asks for it")
{
	struct edu e = edu();
	struct physdev_get_free_pirq get = { .type = MAP_PIRQ_TYPE_MSI };
	struct physdev_map_pirq op = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG,
				       .index = -1, .devfn = (int)(e.bdf & 0xff) };
	long other;

	CHECK_OK(HC2(physdev_op, PHYSDEVOP_get_free_pirq, &get));
	CHECK(get.pirq >= NR_LINES);
	other = map_message(e.bdf, 0, 0);
	CHECK(other >= NR_LINES && other != get.pirq);
	CHECK_OK(unmap_message(other));
	op.pirq = (int)get.pirq;
	CHECK_EQ(map_any(op), get.pirq);
	CHECK(bind_message(get.pirq, true));
}

CLAIM_DOM0(devices,
	   "a device is told of as often as one likes, and gone once; of one that is not known "
	   "no messages are restored")
{
	struct edu e = edu();
	struct physdev_manage_pci_ext ext = { .bus = 0x7e, .devfn = 8, .is_virtfn = 2 };

	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, e.bdf));
	CHECK_OK(pci_op(PHYSDEVOP_restore_msi_ext, e.bdf));
	CHECK_ERR(pci_op(PHYSDEVOP_pci_device_remove, NOBODY), XEN_ENODEV);
	CHECK_ERR(pci_op(PHYSDEVOP_restore_msi_ext, NOBODY), XEN_ENODEV);
	CHECK_ERR(pci_op(PHYSDEVOP_prepare_msix, NOBODY), XEN_ENODEV);
	CHECK_ERR(pci_op(PHYSDEVOP_release_msix, NOBODY), XEN_ENODEV);
	CHECK_ERR(HC2(physdev_op, PHYSDEVOP_manage_pci_add_ext, &ext), XEN_EINVAL);
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_remove, e.bdf));
	CHECK_ERR(map_message(e.bdf, 0, 0), XEN_ENODEV);
	CHECK_ERR(pci_op(PHYSDEVOP_pci_device_remove, e.bdf), XEN_ENODEV);
}

CLAIM_DOM0(arrives, "each message is an event, and needs no EOI")
{
	struct edu e = edu();
	long pirq = edu_mapped(&e);
	uint32_t p = bind_message(pirq, true);
	struct physdev_eoi eoi = { .irq = (uint32_t)pirq };

	for (uint32_t i = 1; i <= 8; i++) {
		e.regs[EDU_RAISE] = 1;
		CHECK_SAY(WAIT_FOR(evtchn_count[p] >= i, 5000), "%u of %u events",
			  evtchn_count[p], i);
	}
	CHECK(!WAIT_FOR(evtchn_count[p] > 8, 20));
	CHECK_OK(HC2(physdev_op, PHYSDEVOP_eoi, &eoi));
}

CLAIM_DOM0(disabled,
	   "an MSI that is switched off sends no message, and sends them again when it is on")
{
	struct edu e = edu();
	uint32_t p = bind_message(edu_mapped(&e), true);

	pci_write16(e.bdf, PCI_COMMAND, (uint16_t)(pci_read16(e.bdf, PCI_COMMAND) | 0x400));
	enable(&e, 0);
	e.regs[EDU_RAISE] = 1;
	CHECK(!WAIT_FOR(evtchn_count[p], 50));
	e.regs[EDU_ACK] = ~0u;
	enable(&e, MSI_ENABLE);
	e.regs[EDU_RAISE] = 1;
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
}

CLAIM_DOM0(closed,
	   "when its port is closed nothing comes of a message, and it does when it is bound "
	   "again")
{
	struct edu e = edu();
	long pirq = edu_mapped(&e);
	uint32_t p = bind_message(pirq, true);

	CHECK_OK(port_close(p));
	e.regs[EDU_RAISE] = 1;
	CHECK(!WAIT_FOR(evtchn_count[p] || port_pending(p), 50));
	p = bind_message(pirq, true);
	evtchn_count[p] = 0;
	e.regs[EDU_ACK] = ~0u;
	e.regs[EDU_RAISE] = 1;
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
}

CLAIM_DOM0(unmapped,
	   "unmap_pirq of a bound message ends it: its port stays, nothing comes to it, and the "
	   "device's MSI is off")
{
	struct edu e = edu();
	long pirq = edu_mapped(&e);
	uint32_t p = bind_message(pirq, true);
	struct evtchn_status s;

	CHECK_OK(unmap_message(pirq));
	CHECK_EQ(pci_read16(e.bdf, e.cap + CONTROL) & MSI_ENABLE, 0);
	e.regs[EDU_RAISE] = 1;
	CHECK(!WAIT_FOR(evtchn_count[p] || port_pending(p), 50));
	CHECK_OK(port_status(p, &s));
	CHECK_EQ(s.status, EVTCHNSTAT_pirq);
}

CLAIM_DOM0(removed, "when a device is gone its message is; on Xen its number stays mapped")
{
	struct edu e = edu();
	long pirq = edu_mapped(&e);

	CHECK_OK(pci_op(PHYSDEVOP_pci_device_remove, e.bdf));
	CHECK_EQ(pci_read16(e.bdf, e.cap + CONTROL) & MSI_ENABLE, 0);
	CHECK_EQ(unmap_message(pirq), on_isola ? -XEN_EINVAL : 0);
}

CLAIM_ISOLA_ONLY(map_twice,
		 "an MSI that is mapped is not mapped again, and a number that is mapped not "
		 "given again",
		 "Xen forgets what was mapped first")
{
	struct edu e = edu();
	struct physdev_map_pirq op = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG,
				       .index = -1, .devfn = (int)(e.bdf & 0xff) };
	unsigned int other = pci_find(OTHER_ID);

	op.pirq = (int)edu_mapped(&e);
	CHECK_ERR(map_message(e.bdf, 0, 0), XEN_EEXIST);
	CHECK_ERR(map_any(op), XEN_EEXIST);
	if (other == PCI_NO_DEVICE)
		return;
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, other));
	op.devfn = (int)other;
	op.table_base = 1;
	CHECK_ERR(map_any(op), XEN_EEXIST);
	op.pirq = 5;
	CHECK_ERR(map_any(op), XEN_EINVAL);
	op.pirq = 100000;
	CHECK_ERR(map_any(op), XEN_EINVAL);
}

static void other_waits(void)
{
	while (!stop)
		HC2(sched_op, SCHEDOP_yield, 0);
}

CLAIM_DOM0(moved,
	   "after bind_vcpu a message is the other vCPU's, and none is lost that comes while it "
	   "is moved to and fro")
{
	struct edu e = edu();
	uint32_t p = bind_message(edu_mapped(&e), false);
	struct evtchn_bind_vcpu op = { .port = p };

	other_start();
	stop = false;
	job = other_waits;
	for (unsigned int i = 0; i < 100; i++) {
		op.vcpu = i & 1 ? 0 : OTHER;
		CHECK_OK(HC2(event_channel_op, EVTCHNOP_bind_vcpu, &op));
		shared->vcpu_info[op.vcpu].evtchn_pending_sel &= ~(1ul << p / 64);
		port_clear(p);
		e.regs[EDU_RAISE] = 1;
		CHECK_SAY(WAIT_FOR(port_pending(p), 5000), "message %u did not come", i);
	}
	stop = true;
	CHECK(WAIT_FOR(!job, 5000));
	other_stop_with(p);
}

#define STORM 4000u

CLAIM_DOM0(storm,
	   "a device that sends messages without pause gets events, no more than it sent, and "
	   "works when it has calmed down")
{
	struct edu e = edu();
	uint32_t p = bind_message(edu_mapped(&e), true);

	for (unsigned int i = 0; i < STORM; i++)
		e.regs[EDU_RAISE] = 1;
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
	WAIT_FOR(false, 250);
	CHECK(evtchn_count[p] <= STORM + 4);
	evtchn_count[p] = 0;
	e.regs[EDU_RAISE] = 1;
	CHECK(WAIT_FOR(evtchn_count[p], 5000));
}

CLAIM_ISOLA_ONLY(config,
		 "address and data of an MSI cannot be written, nor its control byte by byte, "
		 "mapped or not",
		 "Xen keeps them only of an MSI that can be masked")
{
	struct edu e = edu();
	uint32_t low, data;

	for (unsigned int mapped = 0; mapped < 2; mapped++) {
		uint32_t p = mapped ? bind_message(edu_mapped(&e), true) : 0;

		low = pci_read(e.bdf, e.cap + 4);
		data = pci_read(e.bdf, e.cap + DATA);
		pci_write(e.bdf, e.cap + 4, 0xfee00000 + 0x1000);
		pci_write16(e.bdf, e.cap + 4, 0x4000);
		pci_write(e.bdf, e.cap + 8, 1);
		pci_write(e.bdf, e.cap + DATA, 0xfd);
		pci_write16(e.bdf, e.cap + DATA, 0xfd);
		pci_write8(e.bdf, e.cap + DATA, 0xfd);
		pci_write8(e.bdf, e.cap + CONTROL, MSI_ENABLE);
		pci_write(e.bdf, e.cap, 0xffffffff);
		CHECK_EQ(pci_read(e.bdf, e.cap + 4), low);
		CHECK_EQ(pci_read(e.bdf, e.cap + 8), 0);
		CHECK_EQ(pci_read(e.bdf, e.cap + DATA), data);
		CHECK_EQ(pci_read16(e.bdf, e.cap + CONTROL) & MSI_ENABLE, mapped);
		if (!mapped) {
			enable(&e, MSI_ENABLE);
			CHECK_EQ(pci_read16(e.bdf, e.cap + CONTROL) & MSI_ENABLE, 0);
			continue;
		}
		e.regs[EDU_RAISE] = 1;
		CHECK(WAIT_FOR(evtchn_count[p], 5000));
	}
}
