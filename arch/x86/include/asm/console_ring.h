/* SPDX-License-Identifier: MIT */
/*
 * The console ring of a static domain (<xen/io/console.h>): the hypervisor is its other end.
 */
#pragma once

#include <isola/domain.h>

#define CONSOLE_RING_PORT 2		/* as the tools give it */

/* @d, whose ring @m is, is being built: hold it, for d's life. */
void console_ring_create(struct domain *d, mfn_t m);
