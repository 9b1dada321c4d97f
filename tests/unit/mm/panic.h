/* SPDX-License-Identifier: MIT */
/* What happens in a hosted program before a panic ends it. */
#pragma once

extern void (*world_on_panic)(void);
