/* SPDX-License-Identifier: MIT */
/*
 * A domain's memory reservation: extents of frames given to it, or taken back.
 */
#pragma once

#include <isola/types.h>

/*
 * XENMEM_increase_reservation, _decrease_reservation, _populate_physmap, from extent @start on.
 * @arg: guest address of struct xen_memory_reservation. Returns the number of extents done, those
 * before @start included; short on any failure (the
 * ABI has no error here); or continues.
 */
long reservation_change(unsigned op, u64 arg, u64 start);

/*
 * XENMEM_claim_pages: memory that a domain will be given is kept for it. 0; -EPERM; -EFAULT;
 * -EINVAL no such domain, a claim that it has already, not more than it has, or more than it may
 * have; -ENOMEM.
 */
long memory_claim_pages(u64 arg);
