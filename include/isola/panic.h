/* SPDX-License-Identifier: MIT */
/*
 * The end: panic() and fatal() (printk.h) and what the floor above lends them.
 */
#pragma once

#include <isola/printk.h>
#include <asm/regs.h>

/*
 * As panic(), about the registers of an exception of our own: they are printed and the back trace
 * starts from them.
 */
void panic_regs(const struct regs *r, const char *fmt, ...) __printf(2, 3) __noreturn;

/*
 * Has a CPU panicked? The NMI handler asks first thing, on every CPU but that one, and if so stops:
 * it halts with interrupts off for ever.
 */
bool panic_in_progress(void);

/*
 * `noreboot' is on the command line, or reboot_refuse() was called: a machine whose end nobody has
 * asked for halts, where it would restart.
 */
bool reboot_refused(void);
void reboot_refuse(void);

/* How long a machine that restarts unasked waits before. */
#define REBOOT_DELAY_S 5
void reboot_wait(void);

/*
 * The machine is at its end: every other CPU stops, interrupts are off, and lines go straight to
 * the console. Any context but a panic's.
 */
void machine_stop_others(void);

/*
 * Called on each CPU that stops for ever or resets the machine, if there is one, interrupts off:
 * what stands in the way of a reset by INIT ends. Set at boot.
 */
extern void (*cpu_leaves)(void);
/* Halt this CPU for ever. Any context. */
void cpu_stop(void) __noreturn;

/* Hooks, set once at boot; NULL before. Interrupts are off, no lock is held. */
extern void (*panic_stop_others)(void);         /* NMI to every other CPU */
extern void (*machine_reboot)(void);            /* asm/reset.h */

/*
 * Print the call chain that has led to @r, which is the hypervisor's: by frame pointers, or without
 * CONFIG_FRAME_POINTER by what on the stack looks like a return address. Only this CPU's own stacks
 * are read; at most BACKTRACE_FRAMES lines. Any context.
 */
#define BACKTRACE_FRAMES 24
void backtrace(const struct regs *r);

/* `name+offset' of a text address, or its number. Writes at most @size bytes, the NUL included. */
void symbol_format(char *buf, size_t size, u64 addr);
