/* SPDX-License-Identifier: MIT */
/*
 * 8250-family UARTs: com1 and com2, polled. Callers hold the console lock.
 */
#pragma once

#include <isola/types.h>

#define NR_SERIAL_PORTS 2

/*
 * Sends @len bytes; sets the port up on first use. Bounded: a port that does not send is given up.
 */
void serial_write(unsigned port, const char *text, size_t len);
/* Waits, bounded, until the last byte has left the machine. */
void serial_drain(unsigned port);
/* First of its eight I/O ports. */
u16 serial_io_base(unsigned port);
/* The ISA interrupt that it has on a PC. It is not used. */
u8 serial_isa_irq(unsigned port);
bool serial_input_ready(unsigned port);
/* The next byte, or -1. */
int serial_getc(unsigned port);
