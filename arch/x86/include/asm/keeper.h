/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a domain of the hypervisor's own, with one vcpu, which no lookup finds. It is there
 * if some static domain is to be built anew when it ends.
 *
 * Its vcpu never enters a guest: what it runs stands on its kernel root, as a hypercall does, takes
 * its turns as every other vcpu's, and has mapcache and visits. Its stack is forgotten at each
 * switch, so work is done in steps that keep where they are elsewhere. What it owns is in its
 * window: the modules that are kept, and the list by which a domain's pages are found while it is
 * built. So nobody's memory is mapped meanwhile but the one domain's that is worked on.
 */
#pragma once

#include <isola/frame_num.h>

/* Boot root: there is a keeper from now on, with a list for a domain of @nr_pages. fatal() */
void keeper_need(u64 nr_pages);
/* Boot root: the frames of module @i are the keeper's, for good. */
void keeper_keep_module(unsigned i);
/* The list, for who runs in the keeper. */
mfn_t *keeper_list(void);
/* If there is one, it runs: @work is a step; false: there is nothing to do before keeper_wake(). */
void keeper_start(bool (*work)(void));
/* There may be something to do. Any context but NMI. */
void keeper_wake(void);
