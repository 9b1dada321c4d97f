/* SPDX-License-Identifier: MIT */
/*
 * Debug keys: what the hypervisor tells about itself into its log when a key is pressed, by `xl
 * debug-keys' or on the console. What is told is public (docs/isolation.md).
 */
#pragma once

#include <isola/types.h>

#define DEBUG_KEY_ALL '*'

/* How far a key has come. All zero: it begins. */
struct debug_cursor {
	u32 domid;
	u32 n, m;
};

struct debug_key {
	char key;
	/*
	 * Some lines, ten at most; true: there are more. From a timer: task context, interrupts on,
	 * any root.
	 */
	bool (*tell)(struct debug_cursor *at);
	const char *what;
	bool in_all;                    /* it only tells: DEBUG_KEY_ALL means it too */
};

/* Boot, when timers run. */
void debug_keys_init(const struct debug_key *keys, unsigned nr);

/*
 * It will be told soon, on this CPU, behind those that were pressed before. Does nothing for a key
 * that means nothing, or when too many wait. Task context, interrupts on.
 */
void debug_key(char key);

/* Of the key that tells what keys there are. */
bool debug_keys_show(struct debug_cursor *at);
