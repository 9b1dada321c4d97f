/* SPDX-License-Identifier: MIT */
/*
 * 8250-family UARTs: com1 and com2, at I/O ports, in memory or on PCI. Nothing here waits but
 * serial_drain(). Of their interrupts the receiver's is used.
 *
 * Concurrency: the transmitter is its owner's (common/base/console.c), the receiver the reader's
 * (common/base/console_port.c).
 */
#pragma once

#include <isola/types.h>

#define NR_SERIAL_PORTS 2
#define SERIAL_FIFO_BYTES 16
/* at least as many microseconds on ISA: a FIFO at 1200 baud fits */
#define SERIAL_MAX_POLLS (1u << 18)

/*
 * Find the port, where com<n>= says or else where a PC has it, and set it up; says what of the
 * option it could not follow. False: nothing answers. Boot, once for each port.
 */
bool serial_open(unsigned port);

/* Bytes that the transmitter takes now; 0: it is busy. Of a port given up: any. */
unsigned serial_room(unsigned port);
/* One of them. */
void serial_put(unsigned port, char c);
/* The transmitter has not moved for too long: its text is dropped until it does. */
void serial_give_up(unsigned port);
/* ns until a full FIFO has left, as far as we know. */
u64 serial_fill_ns(unsigned port);
/* Waits, bounded, until the last byte has left the machine. */
void serial_drain(unsigned port);

/*
 * Is the port to interrupt when it has input? Off and on again brings another edge if it has some.
 */
void serial_listen(unsigned port, bool on);
bool serial_input_ready(unsigned port);
/* The next byte, or -1. */
int serial_get(unsigned port);

/* What an open port occupies: I/O ports, or else memory; 0: none of that kind. */
u16 serial_io_base(unsigned port);
u64 serial_memory_base(unsigned port);
/* Its interrupt, by ISA's numbers or a line's, to be kept from others; 0: none that is known. */
u8 serial_irq(unsigned port);
