/* SPDX-License-Identifier: MIT */
/*
 * The sibling: vCPU 1, on the same page tables as vCPU 0, doing one job at a time.
 *
 * A claim brings it up with other_start(), sets @job, waits for it to be NULL again or sets @stop,
 * and lets it go down with other_stop(). A page fault in other_read() or other_write() is counted,
 * and the job goes on behind the access; any other exception there ends the domain. With one vCPU a
 * claim that wants it is skipped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"

#define OTHER 1u
#define FAULTED 0xfa17ul

extern void (*volatile job)(void);	/* what it does; it clears this when done */
extern volatile bool stop;		/* the end of a job that goes on until then */
extern volatile uint64_t smp_faults;	/* page faults of its accesses since other_start() */
extern volatile uint64_t smp_nmis;	/* NMIs that it got */
extern volatile uint32_t smp_nmi_stays;	/* not 0: its NMI handler does not return */
extern struct vcpu_guest_context other_context;	/* as it was initialised */
extern struct selectors {
	uint16_t cs, ss, ds, es;
} started_with;				/* at its first instruction */

/* Skips the claim if there is no second vCPU. */
void other_start(void);
void other_stop(void);
/* The same where @port told it: nothing may be due once it unmasks, for it has no callback. */
void other_stop_with(uint32_t port);
long other_is_up(void);			/* as VCPUOP_is_up */

/*
 * A context with which a vCPU of ours can be initialised: our tables, the sibling's stack and first
 * instruction.
 */
void sibling_context(struct vcpu_guest_context *c);

/* One access at a time, by its jobs only. A fault gives @if_fault, or stores nothing. */
uint64_t other_read(const volatile uint64_t *p, uint64_t if_fault);
void other_write(volatile uint64_t *p, uint64_t v);

/*
 * Both at once: the sibling calls @theirs as soon as it sees the turn, while we call @mine. Between
 * together_start() and together_stop(). @theirs must not fail(), skip() or trap.
 */
struct answers {
	long mine, theirs;
};
void together_start(void);
struct answers together(long (*mine)(void), long (*theirs)(void));
/*
 * Is there to be a round @round, from 0, of @most? A host that is too busy to run two CPUs at once
 * may take milliseconds for each: behind a hundred none begins after TOGETHER_MS.
 */
#define TOGETHER_MS 8000
bool together_again(unsigned int round, unsigned int most);
void together_stop(void);

/* A vCPU that is not initialised, never the same again; skips the claim if there is none left. */
unsigned int spare_vcpu(void);
