/* SPDX-License-Identifier: MIT */
/*
 * When a line of the log was written, for its start.
 */
#pragma once

#include <isola/types.h>

#define CONSOLE_STAMP_BYTES 40

/* What console_timestamps= asks for, and a blank, in @buf. Returns its length. Any context. */
size_t console_stamp(char buf[CONSOLE_STAMP_BYTES]);

/* Hook of the floor above, set once at boot: ns since 1970. NULL: it is not known yet. */
extern u64 (*console_wall_ns)(void);
