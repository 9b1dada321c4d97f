/* SPDX-License-Identifier: MIT */
/*
 * What debug keys there are (isola/debug_keys.h) on this machine.
 */
#pragma once

/* Boot, when timers run: from now on they can be pressed. */
void debug_keys_start(void);
