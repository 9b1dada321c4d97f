/* SPDX-License-Identifier: MIT */
/*
 * What the hostile guest's calls are made of: chances, frames and entries to name, and one call
 * with its continuations.
 */
#pragma once

#include "world.h"

static inline u64 rnd(u64 n) { return world_random() % n; }

/* The frames that the current domain starts with: [first_own, first_own + nr_own). */
extern unsigned first_own, nr_own;
unsigned own_frame(void);
/* One's own mostly; sometimes another's, or none that there is. */
unsigned any_frame(void);
/* One's own, whose role is @role: 0 data, 1..4 a table of that level. */
unsigned frame_of_role(unsigned role);
pte_t random_entry(unsigned level);
/* The machine address of an entry in frame @f. */
u64 entry_address(unsigned f);
u64 random_domid(void);
u64 random_va(void);

/* To its end, with other calls possibly in between. False: a check failed. */
bool call(unsigned depth, unsigned nr, u64 a1, u64 a2, u64 a3, u64 a4);

/* Grants (guest_grants.c): one action each, as guest_call() makes them. */
bool do_lend(unsigned depth);
bool do_grant_map(unsigned depth);
bool do_grant_unmap(unsigned depth);
bool do_borrow(unsigned depth);
bool do_grant_replace(unsigned depth);
bool do_grant_copy(unsigned depth);
bool do_grant_questions(unsigned depth);
void guest_forget_grants(void);

/* What a control domain does (guest_control.c), if world_controls says that there is one. */
bool do_name(unsigned depth);
