/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: frames of a domain for others of another size or place.
 */
#pragma once

#include <isola/types.h>

/*
 * @arg: guest address of struct xen_memory_exchange. 0, or: -EFAULT, -EINVAL (sizes do not match, a
 * frame that is held by more than its allocation), -EPERM (an order too large), -ESRCH, -ENOMEM;
 * nr_exchanged says how many input extents were exchanged whole, on every way out. Continues.
 */
long memory_exchange(u64 arg);
