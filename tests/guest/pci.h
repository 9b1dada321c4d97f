/* SPDX-License-Identifier: MIT */
/*
 * PCI devices, as domain 0 reaches them: configuration by the ports CF8h and CFCh, and what the
 * hypervisor is told of them. A device is its bus << 8 | device << 3 | function, on segment 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"

#define PCI_NO_DEVICE	0xffffu
#define PCI_COMMAND	0x04u
#define PCI_MEMORY	0x02u
#define PCI_MASTER	0x04u
#define PCI_BAR(n)	(0x10u + 4 * (n))
#define CAP_MSI		0x05u
#define CAP_MSIX	0x11u

/* Ports may be used from now on, in this claim. */
void ports_allow(void);

uint8_t in8(uint16_t port);
uint16_t in16(uint16_t port);
uint32_t in32(uint16_t port);
void out8(uint16_t port, uint8_t v);
void out16(uint16_t port, uint16_t v);
void out32(uint16_t port, uint32_t v);

uint32_t pci_read(unsigned int bdf, unsigned int reg);
uint16_t pci_read16(unsigned int bdf, unsigned int reg);
void pci_write(unsigned int bdf, unsigned int reg, uint32_t v);
void pci_write16(unsigned int bdf, unsigned int reg, uint16_t v);
void pci_write8(unsigned int bdf, unsigned int reg, uint8_t v);

/* The first device of bus 0 with that id (device << 16 | vendor); PCI_NO_DEVICE. */
unsigned int pci_find(uint32_t id);
/* Where its capability of that kind is; 0. */
unsigned int pci_cap(unsigned int bdf, uint8_t kind);

/* Hypercalls whose argument is a device: pci_device_add and others. */
long pci_op(int cmd, unsigned int bdf);
