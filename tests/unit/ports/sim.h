/* SPDX-License-Identifier: MIT */
/*
 * Domains with ports and nothing else, for tests of event channels between them. Each has a page of
 * memory, its shared_info; only the loaded domain's can be touched.
 */
#pragma once
#include <isola/domain.h>
#include <isola/vcpu.h>

#define NR_SIM_VCPUS	2
#define NR_SIM_DOMAINS	8		/* that can be at a time, and places in the window */

/* The window, and the calling thread as CPU @cpu; once a thread. */
void sim_init(void);
void sim_cpu(unsigned cpu);
/* A domain, listed; NULL: its number is taken. */
struct domain *sim_create(domid_t domid);
/* Load the kernel root of @d's vcpu @id on this CPU; NULL: the idle vcpu's. */
void sim_load(struct domain *d, unsigned id);

/* One page more of @d's, which is loaded now. There is one. */
void *sim_spare_page(struct domain *d, mfn_t *m);

/* A port of @d's that @remote may bind; one of @d's bound to @remote's @port. 0: refused. */
u32 sim_unbound(struct domain *d, domid_t remote);
u32 sim_bound(struct domain *d, domid_t remote, u32 port);
/* The end of @d, which nobody else holds and no CPU has loaded afterwards. */
void sim_end(struct domain *d);

/* Domains that have ended. */
extern unsigned sim_ended;
/* Wakes of @v so far. */
extern unsigned sim_wakes[NR_SIM_DOMAINS];
/* Whether something is due on this CPU is by chance, 1 to so many; 0: never. */
extern unsigned sim_preempt_odds;
/* A continuation was arranged for. */
extern __thread bool sim_continued;
