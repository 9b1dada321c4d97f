/* SPDX-License-Identifier: MIT */
/*
 * watchdog=: CPUs that hang, found by each other.
 *
 * Each CPU counts its seconds, from a timer, and looks whether the next one still counts; the last
 * looks at the first. One that has not for watchdog_timeout= gets an NMI, and ends the machine with
 * its own registers and its own back trace. What is counted is looks, not time: a machine that was
 * stopped as a whole, or whose clock was changed, has missed one.
 */
#pragma once

#include <isola/types.h>
#include <asm/regs.h>

/* From now on, if the command line asks for it. Boot CPU; every CPU is up and timers run. */
void cpu_watch_start(void);

/*
 * An NMI has come, which may be one of these: then this does not return. On any root, between any
 * two instructions: looks at public words of this CPU's alone. @r: what it has interrupted.
 */
void cpu_watch_nmi(const struct regs *r);
