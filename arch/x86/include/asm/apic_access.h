/* SPDX-License-Identifier: MIT */
/*
 * How apic.c reaches the local APIC: one of xapic_access and x2apic_access; and what apic_timer.c
 * offers as deadlines.
 */
#pragma once

#include <isola/types.h>

struct deadline_timer;

struct apic_access {
	const char *name;
	u32 max_id;                             /* that a command can name; the next is everybody */
	void (*enable)(void);                   /* this CPU's, in this mode */
	u32 (*read)(u32 reg);
	void (*write)(u32 reg, u32 val);
	u32 (*id)(void);
	/* @command: the low word of the interrupt command register. Any context. */
	void (*command)(u32 dest, u32 command);
};

extern const struct apic_access x2apic_access;

/* xAPIC or x2APIC, and @base: the boot CPU, once. Its name. fatal(): the firmware forbids. */
const char *apic_choose(u64 base);
/* Put this CPU's in the chosen mode. */
void apic_enable(void);

/* TSC deadline where the CPU offers it, else the APIC timer's down counter. */
const struct deadline_timer *apic_timer_choose(void);
