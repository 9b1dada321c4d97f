/* SPDX-License-Identifier: MIT */
/*
 * The console's inside: its ports (common/base/console_port.c) for what sends by them
 * (common/base/console.c), all those chosen as one; and that for what makes it go on
 * (common/console_drain.c).
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

/*
 * Is any open? Is there input, and take up to @size bytes of it: one CPU at a time. Returns the
 * number taken.
 */
bool console_ports_open_any(void);
bool console_ports_ready(void);
size_t console_ports_read(char *buf, size_t size);

/* Send of what is pending what the ports take now. False: they are busy, or somebody else sends. */
bool console_send_some(void);
bool console_is_pending(void);
/* Whoever writes a line raises SOFTIRQ_CONSOLE from now on, and does not wait. */
void console_out_start_async(void);
