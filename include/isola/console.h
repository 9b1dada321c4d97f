/* SPDX-License-Identifier: MIT */
/*
 * The console: where the hypervisor's lines and dom0's text leave the machine, and where dom0's
 * input comes from.
 *
 * The ports' state and the ring are public. The ring holds hypervisor lines only; guest text passes
 * from the caller's stack straight to the ports, and input stays in the port until dom0 reads it.
 * Lock: console_lock inside, interrupts off while it is held; any context but NMI and #MC.
 */
#pragma once

#include <isola/types.h>

/*
 * Longest piece of text written under one lock: bounds the time with interrupts off (16 characters
 * take 1.4 ms at 115200).
 */
#define CONSOLE_CHUNK_BYTES 128

/* One way in and out. A table of them is in console.c; `console=' chooses. */
struct console_port {
	const char *name;
	void (*write)(unsigned port, const char *text, size_t len);
	bool (*input_ready)(unsigned port);
	int (*getc)(unsigned port);     /* -1: nothing there */
	unsigned port;
};

/*
 * Write one line of the hypervisor's own, without its end: it starts at the left margin, is
 * prefixed, and is kept in the ring.
 */
void console_write_line(const char *text, size_t len);

/* Write guest text as it is (a lone newline goes out as CR LF); at most CONSOLE_CHUNK_BYTES. */
void console_write_guest(const char *text, size_t len);

/* Is there input, and take up to @size bytes of it. Returns the number taken. */
bool console_input_ready(void);
size_t console_read(char *buf, size_t size);

/* Before the machine goes off: wait, bounded, until what was written has left it. */
void console_drain(void);

/*
 * Boot, after the command line: name the I/O ports that the console uses, so that no guest gets
 * them.
 */
void console_claim_io(void (*claim)(u16 first, u16 last));
/* Likewise the ISA interrupts of those ports. */
void console_claim_irqs(void (*claim)(u8 isa_irq));

/* panic(): from now on take no lock. The other CPUs have been told to stop. */
void console_force(void);

/*
 * console_input.c: VIRQ_CONSOLE has been bound: look for input a hundred times a second from now
 * on.
 */
void console_watch_input(void);
