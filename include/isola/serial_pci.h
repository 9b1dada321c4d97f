/* SPDX-License-Identifier: MIT */
/*
 * UARTs on PCI: com1=...,pci and the like. While booting only.
 */
#pragma once

#include <isola/serial_option.h>

struct serial_pci {
	u16 bdf;
	u64 base;                       /* as serial_option's */
	u32 clock_hz;                   /* 0: as the option says */
	u8 reg_shift;
};

/*
 * The UART that @o asks for, decoding switched on; @nr: 0 for com1, 1 for com2, which is the second
 * one if there are two. A port that the firmware has not given an address gets @o's base, if it
 * has one. NULL, or why there is none.
 */
const char *serial_pci_find(const struct serial_option *o, unsigned nr, struct serial_pci *found);
