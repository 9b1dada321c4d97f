/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space in memory: domain 0 may read it, and what it stores there is carried out
 * for it, but for what is the hypervisor's.
 *
 * Where it is, the host bridge of QEMU's q35 says. On a machine without, all but one claim is
 * skipped.
 */
#define TOPIC "mmcfg"
#include "../claim.h"
#include "../memory.h"
#include "../messages.h"
#include "../pci.h"

#define Q35_ID		0x29c08086u
#define PCIEXBAR	0x60u
#define EDU_ID		0x11e81234u
#define INTERRUPT_LINE	0x3cu		/* a byte that means nothing to the device */
#define UNCACHED	(PTE_PCD | PTE_PWT)

static uint64_t base_of(void)
{
	ports_allow();
	if (pci_read(0, 0) != Q35_ID)
		skip("there is no q35");
	CHECK(pci_read(0, PCIEXBAR) & 1);
	return pci_read(0, PCIEXBAR) & ~0xfffffffu;
}

static long reserved(uint64_t base, uint8_t last, uint32_t flags)
{
	struct physdev_pci_mmcfg_reserved op = { .address = base, .end_bus = last, .flags = flags };

	return HC2(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, &op);
}

/* The configuration of @bdf in memory, by an entry that asks to write. */
static volatile uint8_t *mapped(unsigned int bdf)
{
	CHECK_OK(remap(window(2), (base_of() + bdf * PAGE_BYTES) | PTE_RW_PAGE | UNCACHED));
	return window(2);
}

CLAIM_DOM0(reserved,
	   "what is said of an aperture must be as the MCFG has it; without one, there is none")
{
	CHECK_ERR(reserved(0x12340000000, 3, XEN_PCI_MMCFG_RESERVED), XEN_ENODEV);
	CHECK_ERR(reserved(0x12340000000, 255, 2), XEN_EINVAL);
	CHECK_ERR(reserved(base_of(), 254, XEN_PCI_MMCFG_RESERVED), XEN_ENODEV);
	CHECK_ERR(reserved(base_of() + 0x10000000, 255, XEN_PCI_MMCFG_RESERVED), XEN_EIO);
	CHECK_OK(reserved(base_of(), 255, XEN_PCI_MMCFG_RESERVED));
	CHECK_OK(reserved(base_of(), 255, XEN_PCI_MMCFG_RESERVED));
}

CLAIM_DOM0(read,
	   "configuration in memory is what the ports show, and is mapped for reading, even when "
	   "it is said not to be reserved")
{
	volatile uint8_t *p = mapped(0);

	CHECK_EQ(*(volatile uint32_t *)p, Q35_ID);
	CHECK_EQ(l1e(window(2)) & PTE_RW, 0);
	CHECK_OK(reserved(base_of(), 255, 0));
	(void)mapped(1);
	CHECK_EQ(l1e(window(2)) & PTE_RW, 0);
	CHECK_OK(reserved(base_of(), 255, XEN_PCI_MMCFG_RESERVED));
}

CLAIM_DOM0(write, "stores of one, two and four bytes into configuration are carried out")
{
	volatile uint8_t *p;
	unsigned int bdf;
	uint32_t was;

	(void)base_of();
	bdf = pci_find(EDU_ID);
	if (bdf == PCI_NO_DEVICE)
		skip("there is no device \"edu\"");
	p = mapped(bdf);
	was = pci_read(bdf, INTERRUPT_LINE);
	p[INTERRUPT_LINE] = 0x5a;
	CHECK_EQ(pci_read(bdf, INTERRUPT_LINE) & 0xff, 0x5a);
	*(volatile uint16_t *)(p + INTERRUPT_LINE) = 0x0033;
	CHECK_EQ(pci_read(bdf, INTERRUPT_LINE) & 0xff, 0x33);
	*(volatile uint32_t *)(p + INTERRUPT_LINE) = was;
	CHECK_EQ(pci_read(bdf, INTERRUPT_LINE), was);
}

CLAIM_ISOLA_ONLY(messages, "registers of messages are kept from stores as they are from the ports",
		 "Xen keeps only those of an MSI that can be masked")
{
	volatile uint8_t *p;
	unsigned int bdf, cap;
	uint32_t low;

	(void)base_of();
	messages_reset();
	bdf = pci_find(EDU_ID);
	if (bdf == PCI_NO_DEVICE)
		skip("there is no device \"edu\"");
	cap = pci_cap(bdf, CAP_MSI);
	CHECK_OK(pci_op(PHYSDEVOP_pci_device_add, bdf));
	CHECK(map_message(bdf, 0, 0) >= NR_LINES);
	p = mapped(bdf);
	low = pci_read(bdf, cap + 4);
	*(volatile uint32_t *)(p + cap + 4) = 0xfee01000;
	*(volatile uint32_t *)(p + cap + 12) = 0xfd;
	p[cap + 2] = 1;
	CHECK_EQ(pci_read(bdf, cap + 4), low);
	CHECK(pci_read16(bdf, cap + 12) != 0xfd);
	CHECK_EQ(pci_read16(bdf, cap + 2) & 1, 0);
	messages_reset();
}
