/* SPDX-License-Identifier: MIT */
/*
 * Two-level event words: pending and mask bits in shared_info, selector in vcpu_info. The domain is
 * loaded throughout, @port < EVTCHN_2L_PORTS. The guest may write any of these words at any time:
 * they are only ever set, tested and cleared, bit by bit.
 */
#pragma once

#include "evtchn_upcall.h"
#include <isola/lib/bitmap.h>

static inline struct shared_info *shared_of(const struct domain *d)
{
	return window_ptr(d->shared_info_mfn);
}

/* @port of @v is pending and not masked. True: @v is to be told. */
static __always_inline bool evtchn_2l_select(const struct vcpu *v, u32 port)
{
	struct vcpu_info *info = vcpu_info_of(v);

	return !atomic_bitmap_test_and_set(&info->evtchn_pending_sel, port / 64) &&
	       raise_flag(v, info);
}

/* Out of line: what is masked, or told already, or for current, does not pay for it. */
void evtchn_2l_tell(struct vcpu *v, u32 port);

static __always_inline void evtchn_2l_deliver(struct vcpu *v, u32 port)
{
	struct shared_info *s = shared_of(v->domain);

	if (atomic_bitmap_test_and_set(s->evtchn_pending, port))
		return;
	if (!bitmap_test(s->evtchn_mask, port) && evtchn_2l_select(v, port))
		evtchn_2l_tell(v, port);
	else
		wake_pollers(v->domain, port);
}

static inline void evtchn_2l_clear_mask(struct vcpu *v, u32 port)
{
	struct shared_info *s = shared_of(v->domain);

	if (atomic_bitmap_test_and_clear(s->evtchn_mask, port) &&
	    bitmap_test(s->evtchn_pending, port) && evtchn_2l_select(v, port))
		vcpu_tell(v);
}

static inline void evtchn_2l_clear_pending(const struct domain *d, u32 port)
{
	atomic_bitmap_clear(shared_of(d)->evtchn_pending, port);
}

static inline bool evtchn_2l_is_pending(const struct domain *d, u32 port)
{
	return bitmap_test(shared_of(d)->evtchn_pending, port);
}
