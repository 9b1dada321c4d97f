/* SPDX-License-Identifier: MIT */
/*
 * Rows of interrupts: from the store that makes a device interrupt to the instruction behind it,
 * and the end of interrupt (EOI) that the guest says by hypercall.
 *
 * Devices: QEMU's "edu", which raises an interrupt for each store to its register, by a line or by
 * an MSI that cannot be masked; and an e1000e, which does so by MSI-X. Without them (other
 * machines than bench/run's) there are no such rows.
 */
#include "bench.h"
#include "pci.h"

#define EDU_ID		0x11e81234u
#define EDU_RAISE	(0x60 / 4)	/* registers as dwords: causes, or'ed in */
#define EDU_ACK		(0x64 / 4)
#define NIC_ID		0x10d38086u
#define NIC_ICR		(0xc0 / 4)	/* causes; written ones are cleared */
#define NIC_ICS		(0xc8 / 4)	/* causes, or'ed in */
#define NIC_IMS		(0xd0 / 4)
#define NIC_IVAR	(0xe4 / 4)	/* which entry of the table is which cause's */
#define NIC_OTHER	(1u << 24)	/* the cause */
#define NIC_IVAR_OTHER	(8u << 16)	/* entry 0, valid */
#define NIC_REST	400000u		/* two messages are 128 us apart at least */
#define CONTROL		2u		/* of a capability */
#define MSI_ENABLE	1u
#define MSIX_ENABLE	0x8000u
#define INTERRUPT_LINE	0x3cu
#define LINE_OFF	0x400u		/* in PCI_COMMAND */
#define BAR_ADDRESS	0xfffffff0u
/* A bit of evtchn_pending_sel whose word has no event: event_entry_0 clears it. */
#define NOT_YET		(1ul << 63)

static struct source {
	unsigned int bdf;
	volatile uint32_t *regs;
	unsigned int raise;		/* the register, and the causes stored there */
	uint32_t causes;
	unsigned int ack;		/* and where they are taken back */
	unsigned int rest;		/* ticks between two of them */
	uint32_t pirq, port;
} edu, nic;

static bool device(struct source *s, uint32_t id, unsigned int page)
{
	uint64_t bar;

	s->bdf = pci_find(id);
	if (s->bdf == PCI_NO_DEVICE)
		return false;
	MUST(pci_op(PHYSDEVOP_pci_device_add, s->bdf));
	pci_write16(s->bdf, PCI_COMMAND,
		    (uint16_t)(pci_read16(s->bdf, PCI_COMMAND) | PCI_MEMORY | PCI_MASTER));
	bar = pci_read(s->bdf, PCI_BAR(0)) & BAR_ADDRESS;
	s->regs = window(page);
	MUST(remap(window(page), bar | PTE_RW_PAGE | PTE_PCD | PTE_PWT));
	return true;
}

static void bind(struct source *s, struct physdev_map_pirq map)
{
	struct evtchn_bind_pirq op = { .flags = BIND_PIRQ__WILL_SHARE };

	MUST(HC2(physdev_op, PHYSDEVOP_map_pirq, &map));
	op.pirq = s->pirq = (uint32_t)map.pirq;
	MUST(HC2(event_channel_op, EVTCHNOP_bind_pirq, &op));
	s->port = op.port;
	if (s->port >= 64)
		die("port %u: the handlers know the first 64 only", s->port);
	event_keep_0 &= ~(1ul << s->port);
	shared->evtchn_mask[0] &= ~(1ul << s->port);
}

static void unbind(struct source *s)
{
	struct evtchn_close close = { .port = s->port };
	struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF, .pirq = (int)s->pirq };

	shared->evtchn_mask[0] |= 1ul << s->port;
	MUST(HC2(event_channel_op, EVTCHNOP_close, &close));
	MUST(HC2(physdev_op, PHYSDEVOP_unmap_pirq, &unmap));
}

static struct physdev_map_pirq message_of(const struct source *s, uint64_t table)
{
	return (struct physdev_map_pirq){
		.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .index = -1, .pirq = -1,
		.bus = (int)(s->bdf >> 8), .devfn = (int)(s->bdf & 0xff), .table_base = table };
}

static void rest(const struct source *s)
{
	uint64_t from = __builtin_ia32_rdtsc();

	while (s->rest && __builtin_ia32_rdtsc() - from < s->rest)
		;
}

static uint64_t interrupt(const struct source *s, bool say_eoi)
{
	struct timed t = { .rdi = (unsigned long)&s->regs[s->raise], .rsi = s->causes };
	struct physdev_eoi eoi = { .irq = s->pirq };
	uint64_t raised, ended;

	vcpu_info->evtchn_pending_sel = NOT_YET;
	vcpu_info->evtchn_upcall_mask = 0;
	raised = timed_mov32(&t);
	vcpu_info->evtchn_upcall_mask = 1;
	if (vcpu_info->evtchn_pending_sel)
		die("the interrupt of pirq %u was not delivered", s->pirq);
	s->regs[s->ack] = s->causes;
	ended = TIME_HC(physdev_op, PHYSDEVOP_eoi, &eoi, 0, 0);
	rest(s);
	return say_eoi ? ended : raised;
}

static uint64_t delivery(void *arg)
{
	return interrupt(arg, false);
}

static uint64_t end_of_it(void *arg)
{
	return interrupt(arg, true);
}

static void line(void)
{
	int gsi = (int)(pci_read(edu.bdf, INTERRUPT_LINE) & 0xff);
	struct physdev_setup_gsi setup = { .gsi = gsi, .triggering = 1, .polarity = 0 };

	HC2(physdev_op, PHYSDEVOP_setup_gsi, &setup);
	bind(&edu, (struct physdev_map_pirq){ .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI,
					      .index = gsi, .pirq = gsi });
	row("line", delivery, &edu, OWN_EVENT);
	row("line-eoi", end_of_it, &edu, 0);
	unbind(&edu);
}

static void msi(void)
{
	unsigned int control = pci_cap(edu.bdf, CAP_MSI) + CONTROL;

	bind(&edu, message_of(&edu, 0));
	pci_write16(edu.bdf, control, pci_read16(edu.bdf, control) | MSI_ENABLE);
	row("msi", delivery, &edu, OWN_EVENT);
	row("msi-eoi", end_of_it, &edu, 0);
	unbind(&edu);
}

static void msix(void)
{
	unsigned int cap = pci_cap(nic.bdf, CAP_MSIX);
	uint64_t table = pci_read(nic.bdf, PCI_BAR(pci_read(nic.bdf, cap + 4) & 7)) & BAR_ADDRESS;

	pci_write16(nic.bdf, cap + CONTROL, MSIX_ENABLE);
	bind(&nic, message_of(&nic, table));
	nic.regs[NIC_IVAR] = NIC_IVAR_OTHER;
	nic.regs[NIC_ICR] = ~0u;
	nic.regs[NIC_IMS] = NIC_OTHER;
	row("msix", delivery, &nic, OWN_EVENT);
	row("msix-eoi", end_of_it, &nic, 0);
	unbind(&nic);
}

void bench_messages(void)
{
	if (device(&edu, EDU_ID, 2)) {
		edu.raise = EDU_RAISE;
		edu.ack = EDU_ACK;
		edu.causes = 1;
		line();
		msi();
	}
	if (device(&nic, NIC_ID, 3)) {
		nic.raise = NIC_ICS;
		nic.ack = NIC_ICR;
		nic.causes = NIC_OTHER;
		nic.rest = NIC_REST;
		msix();
	}
}
