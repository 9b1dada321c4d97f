/* SPDX-License-Identifier: MIT */
/*
 * A CPU made ready.
 */
#pragma once

/*
 * Learn what the CPUs can do, and log it. fatal() with a sentence if something that we cannot do
 * without is missing. Boot CPU, once, before whatever asks for a feature.
 */
void cpu_init_boot(void);

/*
 * Set CR0, CR4, EFER, PAT, XCR0 and the speculation controls of the calling CPU to their constants.
 * Every CPU, interrupts off, CPU area mapped, IDT loaded. A CPU that lacks a feature of the boot
 * CPU stops with a sentence.
 */
void cpu_init(void);
