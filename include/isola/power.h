/* SPDX-License-Identifier: MIT */
/*
 * The machine's own end: what happens to it when dom0 ends, or nobody is left.
 */
#pragma once

#include <isola/types.h>

/*
 * dom0, or the last of a machine's domains, has ended for @reason (SHUTDOWN_*): power off or reboot
 * if that was asked for; else reboot in some seconds, or halt if `noreboot`. Any root; interrupts
 * may be on. Does not return.
 */
void machine_end(u32 reason) __noreturn;

/* A function of the floor above: the current vcpu's registers and stack, as lines of the log. */
void domain_show_state(void);
