/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs of a domain: timers that end it unless it sets them anew in time.
 */
#pragma once

#include <isola/domain.h>

void watchdogs_init(struct domain *d);
/* None bites any more. Nobody sets one: the domain's end. */
void watchdogs_kill(struct domain *d);

/*
 * SCHEDOP_watchdog. @id 0: a new one, which bites in @seconds; returns its id, or -ENOSPC. Else:
 * watchdog @id bites in @seconds from now; 0: it is put away. -EINVAL: there is none. Any vcpu of
 * the domain.
 */
int watchdog_set(struct domain *d, u32 id, u32 seconds);
