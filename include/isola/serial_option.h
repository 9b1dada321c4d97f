/* SPDX-License-Identifier: MIT */
/*
 * com1= and com2=: what was asked for. Xen's grammar, positional and name=value.
 */
#pragma once

#include <isola/types.h>

#define CLOCKS_PER_BIT 16               /* of a UART: clock_hz is this times the fastest rate */

enum serial_device { SERIAL_AT_BASE, SERIAL_PCI, SERIAL_AMT };

#define SERIAL_IRQ_DEFAULT (-1)         /* as the I/O base has it on a PC */
#define SERIAL_MAX_IO_BASE 0xfff8       /* greater ones are machine addresses */

struct serial_option {
	u32 baud;                       /* 0: as found */
	u32 clock_hz;                   /* 16 times the base baud rate */
	u8 data_bits, stop_bits;
	u8 parity;                      /* bits 5..3 of the line control register, shifted down */
	bool has_base;
	u64 base;                       /* up to SERIAL_MAX_IO_BASE an I/O port, else memory */
	/* of registers in memory: their distance, bytes of access */
	u8 reg_shift, reg_width;
	int irq;                        /* 0: none; not used, but kept from guests */
	enum serial_device device;
	bool has_port, has_bridge;
	u16 port, bridge;               /* PCI bus << 8 | device << 3 | function */
};

/*
 * Read @value into *@o, which holds the defaults. A part that is wrong is reported, by the name
 * com<@nr>, and leaves what it was about as it was; the others count.
 */
void serial_option_parse(unsigned nr, const char *value, struct serial_option *o);
