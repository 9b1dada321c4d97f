/* SPDX-License-Identifier: MIT */
/*
 * Memory maps as guests see them: E820 entries.
 */
#pragma once

#include <isola/types.h>

struct domain;

/*
 * XENMEM_machine_memory_map: the machine's map, with what no guest may touch marked reserved in its
 * gaps. @arg: guest address of struct xen_memory_map. 0; -EPERM; -EFAULT; -EINVAL: the buffer is
 * too small for all.
 */
long memory_map_machine(u64 arg);

/* XENMEM_memory_map: the one that the tools have set, as much as fits. -ENOSYS: they have not. */
long memory_map_own(u64 arg);
/*
 * XENMEM_set_memory_map: one for a domain to ask for. 0; -EFAULT; -EINVAL: too many entries;
 * -EPERM, -ESRCH, -ENOMEM.
 */
long memory_map_set(u64 arg);
/* @d goes. */
void memory_map_destroy(struct domain *d);
