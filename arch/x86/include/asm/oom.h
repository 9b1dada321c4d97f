/* SPDX-License-Identifier: MIT */
/*
 * Running out of memory on purpose, by the audit hypercall (calls/audit.c). Shared with the guest
 * that asks for it.
 */
#pragma once

#define OOM_REFUSE	1	/* the nth allocation from now on is refused, once; 0: none */
#define OOM_REFUSED	2	/* none any more; 1: one has been refused since, 0: not */
#define OOM_FREE_PAGES	3	/* free pages of all classes */

#ifndef OOM_GUEST
#include <isola/types.h>

/* -EINVAL: no such command. */
long oom_op(u64 cmd, u64 nth);
#endif
