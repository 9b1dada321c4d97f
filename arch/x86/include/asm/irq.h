/* SPDX-License-Identifier: MIT */
/*
 * Who handles each interrupt vector. Handlers run with interrupts off, on
 * any root, and touch public and own-CPU memory only.
 */
#pragma once

#include <asm/regs.h>
#include <asm/vectors.h>

void irq_set_handler(u8 vector, void (*handler)(void));
/* From the entry code: finds the handler, sends the EOI. */
void irq_dispatch(struct regs *r);
