/* SPDX-License-Identifier: MIT */
/* The hostile guest that the hosted page-table tests run. */
#pragma once

#include <stdbool.h>
#include "world.h"

extern struct guest_seen {
	unsigned long calls, ok, refused, continued, parked, parked_two, partial, pinned_l4,
		exchanged, cut, in_tlb[NR_USES];
	unsigned long granted, given_back, copied, named, orphans;
} seen;

/*
 * This guest comes back to every call until it is done, and nothing faults: then nothing may
 * stay half done.
 */
extern bool guest_patient;

/* The audit runs after every so many calls; 0: never. */
extern unsigned guest_audit_every;

/* Stores of the current domain's guest, as a program has them; else by what its TLB may know. */
extern void (*guest_stores)(void);

/* A new world, with an empty L4 loaded. */
void guest_start(void);

/*
 * One action of the guest at random. False: a check failed, and it has been printed. @depth: 0
 * outside of a call.
 */
bool guest_call(unsigned depth);
/* On as the other domain. */
void guest_turn(void);

/*
 * For a race between a walk and one who takes the tables away. guest_grow() hooks three tables into
 * the tree of this CPU; false: there are no frames for them. guest_walk() walks there. guest_cut()
 * empties one of the entries that lead there, that of table @f if it is one of the three, and gives
 * up the frame of the table that the entry named.
 */
bool guest_grow(void);
bool guest_walk(void);
bool guest_cut(unsigned f);
