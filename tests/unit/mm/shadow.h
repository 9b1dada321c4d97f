/* SPDX-License-Identifier: MIT */
/*
 * The machine of one shadowed vcpu (shadow.c), and what is done with it (shadow_cases.c,
 * shadow_random.c). The guest's frames stand in the window.
 */
#pragma once

#include <isola/vcpu.h>
#include "shadow_cpu.h"

#define PRIVATE		0x777u		/* the frame of the vcpu's private page; then siblings' */
#define NR_SIBLINGS	2u		/* of shadow_self.c, with numbers from 1 on */
#define PUBLIC_FIRST	256u

/* frames, 0 is nobody's: the domain's tables, of level n from FIRST_OF(n) on; its data; others' */
#define FIRST_OF(level)	(17 - 4 * (level))
#define FIRST_L1	FIRST_OF(1)
#define NR_OF(level)	((level) == 1 ? 8u : 4u)
#define DATA_FIRST	24u
#define OTHERS_FIRST	52u
#define NR_FRAMES	56u
#define DEVICE		0x900u		/* without a record */

extern struct vcpu shadow_vcpu;
extern struct domain shadow_domain;
extern unsigned shadow_public_left;	/* public pages, before none is given */
extern bool world_irq_off;
extern unsigned long shadow_reloads, shadow_crashes;

/* It is shadowed, and is no more; the first, too, while it is loaded, on its kernel's root. */
void shadow_come(void);
void shadow_go(void);
/* On a CPU, on the root of its mode; off it. */
void shadow_load(void);
void shadow_unload(void);
/* The other mode; another L4 for the mode that it is in. */
void shadow_toggle(void);
void shadow_base(mfn_t l4);
/* The hypervisor's slots of its roots are as they were. */
void shadow_check_roots(void);

/*
 * The guest's access of kind @kind (PFEC_W, PFEC_U, PFEC_I), with all faults that are the
 * shadow's. 0: done, by *@way; else the error code that the guest gets.
 */
u32 shadow_access(u64 va, u32 kind, pte_t *way);
/* The hypervisor's own. False: it is refused. */
bool shadow_own_access(u64 va, u32 kind, pte_t *way);

/* shadow_random.c: a walk is going on: somebody may change the tables */
void shadow_moment(void);
bool shadow_is_moving(void);
/* What the kernel's, the user's tables have said before now holds no more. */
void shadow_past_is_over(bool kernel, bool user);

void shadow_check_unshadowed(const char *when);

void shadow_cases(void);
void shadow_self(void);
void shadow_random(unsigned long nr);
