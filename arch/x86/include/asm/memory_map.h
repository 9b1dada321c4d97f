/* SPDX-License-Identifier: MIT */
/*
 * Memory maps as guests see them: E820 entries.
 */
#pragma once

#include <isola/types.h>

/*
 * XENMEM_machine_memory_map: the machine's map, with what no guest may touch marked reserved in its
 * gaps. @arg: guest address of struct xen_memory_map. 0; -EPERM; -EFAULT; -EINVAL: the buffer is
 * too small for all.
 */
long memory_map_machine(u64 arg);

/* XENMEM_memory_map: -ENOSYS, no toolstack has set one. */
long memory_map_own(u64 arg);
