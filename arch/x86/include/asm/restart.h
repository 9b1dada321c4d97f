/* SPDX-License-Identifier: MIT */
/*
 * Static domains with onend=restart: one that has ended is taken apart, and built anew by its line.
 *
 * Who reboots, crashes or is ended by its watchdog begins anew; who switches itself off stays. One
 * that ends within RESTART_SHORT of its beginning begins anew RESTART_PAUSE later, and
 * RESTART_SHORT_LIVES such lives in a row are its last. The new domain has the number of the old:
 * as long as somebody has mapped frames of that, it waits (DOM-1).
 */
#pragma once

#include <isola/types.h>

#define RESTART_SHORT		SECONDS(10)
#define RESTART_PAUSE		SECONDS(1)
#define RESTART_SHORT_LIVES	5

/*
 * Boot root, before any domain is built: what static domain @i needs to be built anew is kept, but
 * for a kernel that is packed, which is kept when it has been unpacked.
 */
void restart_prepare(unsigned i);
/* Boot root, when all are built: from now on it is seen to. */
void restart_start(void);
