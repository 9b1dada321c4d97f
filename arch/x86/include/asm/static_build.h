/* SPDX-License-Identifier: MIT */
/*
 * What a static domain's lines come to: its plan, and what it has that no other domain has. On the
 * boot root, or by the keeper (asm/keeper.h).
 */
#pragma once

#include <asm/build_plan.h>
#include <asm/static_domain.h>

/* The boot's, read once; domain i of it has the number static_domid(i). */
extern struct static_config static_config;

static inline domid_t static_domid(unsigned i)
{
	return DOMID_DOM0 + 1 + i;
}

/* What is wanted of domain @i, into *@p; @p->cmdline is valid until the next plan. */
void static_plan(struct build_plan *p, unsigned i);
/* @d has been built by that plan: its name, its place on the CPUs. */
void static_settle(unsigned i, struct domain *d);
/*
 * The ports that domain @i, which is @d and has not begun, declares. Where the other end is not
 * there to be connected, @d's waits for it: that domain may bind it, or connects it when it is
 * built. Nothing changes for a port that is connected already.
 */
void static_connect(unsigned i, struct domain *d);
/* The pages that @d owns: special ones, which have no pfn, each for both to map. -ENOMEM. */
int __must_check static_make_shares(unsigned i, struct domain *d);
