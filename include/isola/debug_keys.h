/* SPDX-License-Identifier: MIT */
/*
 * Debug keys: what the hypervisor tells about itself into its log when a key is pressed, by `xl
 * debug-keys'. What is told is public (docs/isolation.md).
 */
#pragma once

/* Does nothing for a key that means nothing. Task context, interrupts on. */
void debug_key(char key);
