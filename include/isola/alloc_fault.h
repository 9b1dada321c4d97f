/* SPDX-License-Identifier: MIT */
/*
 * Allocations refused on purpose (CONFIG_AUDIT): the nth from now, once. Whoever asked for it must
 * leave nothing behind, and what it was for must succeed when it is tried again: tests/guest/oom.t,
 * option `oom'.
 */
#pragma once

#include <isola/types.h>
#include <generated/autoconf.h>

#ifdef CONFIG_AUDIT
/* page_alloc() and public_alloc() ask: is this the one? */
bool alloc_fault(void);
/* The @nth allocation from now on, by any CPU, is refused; 0: none. */
void alloc_fault_arm(u32 nth);
/* None any more. Has one been refused since it was armed? */
bool alloc_fault_disarm(void);
#else
static inline bool alloc_fault(void) { return false; }
#endif
