/* SPDX-License-Identifier: MIT */
/*
 * The machine's own end: what happens to it when dom0 ends, or nobody is left.
 */
#pragma once

#include <isola/types.h>

/*
 * dom0, or the last of a machine's domains, has ended for @reason (SHUTDOWN_*): power off, reboot,
 * or, after a crash, reboot unless `noreboot`. Any root; interrupts may be on. Does not return.
 */
void machine_end(u32 reason) __noreturn;
