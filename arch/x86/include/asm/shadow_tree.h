/* SPDX-License-Identifier: MIT */
/*
 * The trees of a shadow: for fault.c and create.c.
 *
 * Page n of the current vcpu's stands at VA_SHADOW + n * 4 KiB; those below SHADOW_SPLIT are the
 * kernel's tree's, the others the user's. Within a tree they are given out in order and taken back
 * all together. An entry above L1 has the page's number, beside its frame's, in bits 52..60, which
 * hardware ignores there. Upper entries allow everything: an L1 entry has the rights of its whole
 * walk.
 */
#pragma once

#include <asm/pgentry.h>
#include <asm/shadow.h>

/*
 * Where the L1 entry for @va stands in the current vcpu's @tree; tables are made on the way. NULL:
 * no page was left; both trees are forgotten, and CR3 written. Interrupts off.
 */
pte_t *shadow_l1e(enum shadow_tree tree, u64 va);
