/* SPDX-License-Identifier: MIT */
/*
 * The mapcache: the one way to a frame that the loaded domain's window does not show (another
 * domain's, another vcpu's private page). A ring of 512 slots in the current vcpu's area; nobody
 * else maps through it, so it needs no lock.
 *
 * Invariant: a slot whose entry is absent is in no TLB, because unmapping invalidates at once. So
 * nothing foreign is left when the hypervisor goes back to the guest, or on to another vcpu (ASI-2,
 * ASI-3). Never from an interrupt, NMI or #MC.
 */
#pragma once

#include <isola/frame_num.h>

/*
 * Frame @m, which the caller holds by a reference or by owning its owner, readable and writable. At
 * most 512 at a time: BUG beyond.
 */
void *map_domain_page(mfn_t m);
void unmap_domain_page(const void *p);
