/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine of the event test: CPUs that are threads, one domain, and the way out to a
 * guest as the entry code has it.
 */
#pragma once
#include <isola/vcpu.h>

#define NR_SIM_CPUS	2
#define NR_SIM_VCPUS	4

extern struct domain sim_domain;
extern struct vcpu sim_vcpu[NR_SIM_VCPUS];

/* @pin: each vcpu on a CPU of its own choice; else they move. */
void machine_init(bool pin);
void machine_start(void);		/* the CPUs begin; vcpus run as they are woken */

/*
 * What a guest does next, on its vcpu's CPU; returns to have the CPU's interrupts looked at.
 * guest.c
 */
void guest_step(struct vcpu *v);
/* The guest's upcall handler: pending and unmasked. guest.c */
void guest_upcall(struct vcpu *v);

/* Has this CPU been interrupted since it last left the hypervisor? */
bool cpu_interrupted(void);
/*
 * While set, this CPU has another root than the vcpu's kernel root loaded: what is sent must be
 * posted.
 */
void load_user_root(bool user);
/* Set: an NMI for the vcpu comes right before it sleeps, once. */
extern __thread bool nmi_before_sleep;
/* A moment, now and then. */
void sim_pause(void);
