/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_acquire_resource: which frames a resource of another domain has, for the control domain to
 * map by mmu_update. A domain's resources: its grant table.
 */
#pragma once

#include <isola/types.h>

/*
 * @arg: guest address of struct xen_mem_acquire_resource. 0: the frames' numbers are in its list,
 * the table being made longer if need be; or, without a list, how many there may be is in
 * nr_frames. -EFAULT, -EPERM (not the control domain; one's own), -ESRCH, -EINVAL, -ENOMEM,
 * -EOPNOTSUPP: another type of resource.
 */
long memory_acquire_resource(u64 arg);
