/* SPDX-License-Identifier: MIT */
/* Hosted instructions: every one takes time, by the clock of console_test.c. */
#pragma once
#include <isola/types.h>

u8 inb(u16 port);
void outb(u8 val, u16 port);
u64 irq_save(void);
void irq_restore(u64 flags);
bool irq_is_enabled(void);
void cpu_relax(void);
u64 rdtsc_ordered(void);
