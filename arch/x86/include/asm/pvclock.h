/* SPDX-License-Identifier: MIT */
/*
 * What a guest reads about time without a hypercall: the clock in vcpu_info and the wall clock in
 * shared_info. Each is written by the current vcpu, on its kernel root, into its own guest's
 * memory.
 */
#pragma once

/*
 * Bring vcpu_time_info and the wall clock up to date where they are not, and this_vcpu.vcpu_info
 * where the record has moved. At switch-in and after XENPF_settime. The second form (after
 * register_vcpu_info) writes even what has not changed.
 */
void pvclock_update(void);
void pvclock_update_force(void);
