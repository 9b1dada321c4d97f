/* SPDX-License-Identifier: MIT */
/*
 * PCI devices: see pci.h.
 */
#include "pci.h"
#include <stddef.h>

#define ADDRESS 0xcf8
#define DATA    0xcfc

void ports_allow(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };

	HC2(physdev_op, PHYSDEVOP_set_iopl, &iopl);
}

#define PORT(bits, suffix, reg)								\
uint##bits##_t in##bits(uint16_t port)							\
{											\
	uint##bits##_t v;								\
											\
	asm volatile("in" suffix " %1, %" reg "0" : "=a"(v) : "Nd"(port) : "memory");	\
	return v;									\
}											\
void out##bits(uint16_t port, uint##bits##_t v)						\
{											\
	asm volatile("out" suffix " %" reg "0, %1" : : "a"(v), "Nd"(port) : "memory");	\
}
PORT(8, "b", "b")
PORT(16, "w", "w")
PORT(32, "l", "k")

static void point_at(unsigned int bdf, unsigned int reg)
{
	out32(ADDRESS, 1u << 31 | bdf << 8 | (reg & 0xfc));
}

uint32_t pci_read(unsigned int bdf, unsigned int reg)
{
	point_at(bdf, reg);
	return in32(DATA);
}

uint16_t pci_read16(unsigned int bdf, unsigned int reg)
{
	point_at(bdf, reg);
	return in16((uint16_t)(DATA + (reg & 2)));
}

void pci_write(unsigned int bdf, unsigned int reg, uint32_t v)
{
	point_at(bdf, reg);
	out32(DATA, v);
}

void pci_write16(unsigned int bdf, unsigned int reg, uint16_t v)
{
	point_at(bdf, reg);
	out16((uint16_t)(DATA + (reg & 2)), v);
}

void pci_write8(unsigned int bdf, unsigned int reg, uint8_t v)
{
	point_at(bdf, reg);
	out8((uint16_t)(DATA + (reg & 3)), v);
}

unsigned int pci_find(uint32_t id)
{
	for (unsigned int bdf = 0; bdf < 256; bdf++)
		if (pci_read(bdf, 0) == id)
			return bdf;
	return PCI_NO_DEVICE;
}

unsigned int pci_cap(unsigned int bdf, uint8_t kind)
{
	unsigned int cap = pci_read(bdf, 0x34) & 0xfc;

	for (unsigned int i = 0; i < 48 && cap; i++) {
		uint32_t head = pci_read(bdf, cap);

		if ((head & 0xff) == kind)
			return cap;
		cap = head >> 8 & 0xfc;
	}
	return 0;
}

long pci_op(int cmd, unsigned int bdf)
{
	struct physdev_pci_device_add op = { .bus = (uint8_t)(bdf >> 8), .devfn = (uint8_t)bdf };

	/* All of them begin with segment, bus, device; the flags of an added one are 0. */
	return HC2(physdev_op, cmd, &op);
}
