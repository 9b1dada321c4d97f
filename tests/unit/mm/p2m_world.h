/* SPDX-License-Identifier: MIT */
/*
 * A domain with a p2m, its frames and those of the tables, one lock that knows whether it is held,
 * and the processor's walk, without the p2m's own code.
 */
#pragma once

#include <asm/frametable.h>
#include <asm/p2m.h>
#include <isola/domain.h>
#include <isola/errno.h>

#define NR_FRAMES	8192u		/* the domain's: 4096 and on; tables below */
#define FIRST_OWN	4096u

extern struct domain d;
extern struct p2m *const p;		/* d's */
extern u32 nr_tables;			/* that are allocated */
extern u32 fail_at;			/* this allocation from now on fails; 0: none */

extern u32 foreign;			/* references that others have been given */

/* Memory stands at the hypervisor's addresses. False: it cannot; it has been said. */
bool p2m_world_create(void);
bool p2m_world_is_locked(void);
/* References of the domain's own on frame @n. */
u64 p2m_world_refs(u64 n);
/*
 * The frame that the processor finds at @gfn, whose tables are in the format p2m_format, the level
 * of its leaf, and whether that can be written; 0: it faults.
 */
u64 hardware_walk(u64 gfn);
extern int walked_level;
extern bool walked_writable;
void others_run(void);
