/* SPDX-License-Identifier: MIT */
/*
 * The console's inside: its ports (common/base/console_port.c) for what sends by them
 * (common/base/console.c), all those chosen as one, and its screen; and that for what makes it go
 * on (common/console_drain.c).
 */
#pragma once

#include <isola/types.h>

/* As console_open(); what is to be said about it is only kept. */
void console_ports_open(void);

/* What every one of them takes now; 0: one is busy. No port: any amount. */
unsigned console_ports_room(void);
void console_ports_put(char c);
/* Those that are busy have been so for too long. */
void console_ports_give_up(void);
/* ns until the slowest has sent a full FIFO. */
u64 console_ports_fill_ns(void);
void console_ports_drain(void);

bool console_ports_open_any(void);

/*
 * Receiving: one CPU at a time, the receiver's owner (common/console_receive.c). Interrupts of
 * those that have a line, on or off; one has come: has it brought anything?; from time to time: is
 * there input that none has told of or will?; must that be asked often?
 */
void console_ports_listen(bool on);
bool console_ports_heard(void);
bool console_ports_look(void);
bool console_ports_are_polled(void);
bool console_ports_ready(void);
/* Take up to @size bytes, and CONSOLE_READ_BYTES of each port. Returns the number taken. */
#define CONSOLE_READ_BYTES 16u          /* what a UART holds */
size_t console_ports_read(char *buf, size_t size);

/*
 * common/base/console_screen.c: the screen. False, and why there is none; one character of the
 * hypervisor's lines; a panic, for which it is taken back. The transmitter's owner's.
 */
bool console_screen_open(const char **why);
void console_screen_put(char c);
void console_screen_force(void);

/* Send of what is pending what the ports take now. False: they are busy, or somebody else sends. */
bool console_send_some(void);
bool console_is_pending(void);
/* Whoever writes a line raises SOFTIRQ_CONSOLE from now on, and does not wait. */
void console_out_start_async(void);
