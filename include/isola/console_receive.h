/* SPDX-License-Identifier: MIT */
/*
 * The console's receiver: from the ports into a hidden ring (common/console_receive.c), for who
 * sees to what comes (common/console_input.c).
 */
#pragma once

#include <isola/types.h>

/* False: no memory. */
bool console_receive_create(void);
/* From now on interrupts of the ports raise SOFTIRQ_INPUT. */
void console_receive_start(void);

/* Bytes that have come, up to @size, which stay; the first @n of them are forgotten. */
u32 console_received(char *buf, u32 size);
bool console_received_any(void);
void console_received_drop(u32 n);

/*
 * Take what the ports have. False: they have nothing, and those with a line will tell; or there is
 * no room, or too much has come lately: console_receive_is_deaf(), and is to be tried again.
 * Interrupts on.
 */
bool console_receive(void);
bool console_receive_is_deaf(void);
/* From time to time: must console_receive() be called, because nothing told? */
bool console_receive_is_due(void);
