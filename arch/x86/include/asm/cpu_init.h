/* SPDX-License-Identifier: MIT */
/*
 * A CPU made ready.
 */
#pragma once

#include <isola/types.h>

/*
 * Learn what the CPUs can do, and log it. fatal() with a sentence if something that we cannot do
 * without is missing. Boot CPU, once, before whatever asks for a feature.
 */
void cpu_init_boot(void);

/*
 * Set CR0, CR4, EFER, PAT, XCR0 and the speculation controls of the calling CPU to their constants.
 * Every CPU, interrupts off, CPU area mapped, IDT loaded; one that is not the boot CPU has joined.
 */
void cpu_init(void);

/*
 * Shrink the tables of cpufeature.h, and what follows from them, to what this CPU has too. Another
 * CPU, before cpu_init(); the boot CPU waits for it. Returns a sentence if the CPU cannot be used
 * beside the boot CPU, else NULL.
 */
const char *cpu_join(void);

/* Had any CPU less than the boot CPU? Then each must cpu_init_again() when all are up. */
bool cpus_differ(void);

/* CR4 and XCR0 as they were settled last. Every CPU, interrupts off, before there is a domain. */
void cpu_init_again(void);
