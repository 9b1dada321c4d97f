/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the simulated machine (world*.c) know of each other and nobody else needs.
 */
#pragma once

#include "world.h"

/* Public pages of the hypervisor: behind the guests' frames in the frame table. */
#define PUBLIC_FIRST	256u
#define NR_PUBLIC	64u

/* world.c: a CPU that is not the one being simulated now */
extern struct world_away {
	struct vcpu_private vcpu;
	struct cpu_private cpu;
	struct continuation continuation;
	bool irq_off;
} world_away[WORLD_CPUS];

/* The other CPU goes on for a while. A wait that it cannot end is a bug. */
void world_wait_for_other(void);
/* An IPI that waits: the others answer once their interrupts are on. */
void world_interrupt_others(void);

/* world_window.c: zeroed memory at @va; the first time it is made */
void world_map_at(u64 va, u64 bytes, bool first);
/* All that the machine has at fixed addresses, zeroed. */
void world_map_memory(void);
/* The loaded domain's window is guarded from now on; no window is loaded. */
void world_window_load(void);
void world_window_close(void);

/* world_memory.c: no object and no page of the hypervisor's is in use any more */
void world_memory_reset(void);
