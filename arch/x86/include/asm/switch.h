/* SPDX-License-Identifier: MIT */
/*
 * Changing the vcpu that a CPU runs. A vcpu has no hypervisor stack: leaving means copying its
 * frame to its area, arriving means copying it back to the top of this CPU's stack.
 */
#pragma once

#include <isola/vcpu.h>

/* The scheduler's hook: from @prev to @next, on this CPU; never returns. Interrupts on or off. */
void context_switch(struct vcpu *prev, struct vcpu *next) __noreturn;

/* The idle vcpu's life. Entered by reset_stack_and_call(); never returns. */
void idle_loop(void) __noreturn;

/*
 * Boot: the boot root is left for the idle vcpu's life, so that others run; and come back to, for
 * @fn, which starts on an empty stack with interrupts on: from the idle loop of the boot CPU.
 */
void switch_leave_boot_root(void) __noreturn;
void switch_to_boot_root(void (*fn)(void)) __noreturn;

/*
 * Hook of the floor above, set once at boot: the current vcpu's control and debug registers into
 * this CPU. Interrupts off.
 */
extern void (*switch_load_cpu_state)(void);
