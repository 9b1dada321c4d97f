/* SPDX-License-Identifier: MIT */
/*
 * The tables behind a domain's memory window (slots 262..271). Under d->page_lock, all of it, which
 * but for one function the caller holds.
 *
 * A table has a use for each entry that is present and for each hold; it stands as long as it has
 * one. A hold says of some frame that its entry will come, or must be able to come back. L3s, which
 * roots name, and the first L2 of each are held for the domain's life (window_prepare()).
 * A table without uses, or one that a split made and that no frame has left, is idle: what flushes
 * the domain next takes it out and frees it. So nothing that fails leaves a table behind.
 */
#pragma once

#include <isola/domain.h>
#include <asm/pgentry.h>

/*
 * Hold what will map 2^order frames, made where it is not there. -ENOMEM: nothing is held, and what
 * was made is idle.
 */
int __must_check window_hold(struct domain *d, mfn_t first, unsigned order);
void window_unhold(struct domain *d, mfn_t first, unsigned order);
/* The frames, which are held, are in the window; the hold is used up. Cannot fail. */
void window_map(struct domain *d, mfn_t first, unsigned order);
/*
 * Frame @m, which is in the window, has an entry of its own: a 2 MiB one is split. Same
 * translation: no flush is due. -ENOMEM.
 */
int __must_check window_split(struct domain *d, mfn_t m);
/* @m, which has an entry of its own, is no more in the window: a flush is due. */
void window_unmap(struct domain *d, mfn_t m);
/*
 * Some of the frames that are in it, a GiB, are no more: of a domain that no CPU has loaded, nor
 * will, and that gets no more. Takes the lock. True: go on.
 */
bool __must_check window_clear_some(struct domain *d);

/*
 * Take idle tables out; a split that was for nothing becomes one entry again. Returns a list (0:
 * none) for window_free_tables(), once the domain's CPUs have been flushed: before the page lock is
 * given back, or somebody makes a table where a CPU still remembers this one.
 */
u32 window_take_idle(struct domain *d);
void window_free_tables(struct domain *d, u32 list);
