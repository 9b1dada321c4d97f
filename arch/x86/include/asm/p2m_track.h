/* SPDX-License-Identifier: MIT */
/*
 * Which pages a guest has touched since it last had its caches cleaned, so that WBINVD of a guest
 * with a device that reads past the caches costs what it has touched, not what it has.
 *
 * A batch is the domain's, not a vCPU's: any vCPU that waits for one does pieces of it.
 *   mark    each touched leaf, and what leads to it, becomes due; its P goes
 *   flush   no CPU remembers those leaves any more: what is touched from now on faults
 *   clean   the lines of each page that is due
 * In that order. Cleaned before the flush, a page could be written by who remembers it, and be
 * untouched for the next batch.
 */
#pragma once

#include <asm/cache_tracking.h>
#include <asm/p2m_touch.h>

/* The number of a batch that begins from now on. */
u64 p2m_batch_next(const struct p2m *p);
/*
 * Some more of @p's batches, as long as number @want is not done; a piece is bounded. True: it is
 * done. Interrupts on; waits for the domain's CPUs. @d: the current domain.
 */
bool __must_check p2m_batch_some(struct domain *d, struct p2m *p, u64 want);
