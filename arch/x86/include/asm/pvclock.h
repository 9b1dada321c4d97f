/* SPDX-License-Identifier: MIT */
/*
 * What a guest reads about time without a hypercall: the clock in vcpu_info and the wall clock in
 * shared_info. Each is written by the current vcpu, on its kernel root, into its own guest's
 * memory.
 */
#pragma once

#include <isola/types.h>

struct domain;

/* Boot, once. */
void pvclock_init(void);

/*
 * Bring vcpu_time_info and the wall clock up to date where they are not, and this_vcpu.vcpu_info
 * where the record has moved. At switch-in, and when a CPU is told. The second form (after
 * register_vcpu_info) writes even what has not changed.
 */
void pvclock_update(void);
void pvclock_update_force(void);

/*
 * The wall clock at system time 0, and how far @d's is ahead of everybody's; both modulo 2^64. Each
 * guest that runs sees it before it goes on, the caller's too; the others when they run again.
 */
void pvclock_set_wallclock(u64 base_ns);
void pvclock_set_offset(struct domain *d, u64 seconds);
