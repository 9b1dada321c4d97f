/* SPDX-License-Identifier: MIT */
/*
 * Telling vcpus of a domain that is loaded that a port has become pending: by the upcall flag, or
 * because they poll for it.
 */
#pragma once

#include "vcpu_tell.h"
#include <isola/evtchn.h>
#include <isola/sched.h>
#include <asm/insn.h>
#include <asm/percpu.h>

/*
 * The upcall flag of @v, whose vcpu_info is @info, rises. True: and that is to be told to @v, which
 * the exit path does for current.
 */
static __always_inline bool raise_flag(const struct vcpu *v, struct vcpu_info *info)
{
	return !__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST) &&
	       v != current;
}

static inline void raise_upcall(struct vcpu *v, struct vcpu_info *info)
{
	if (raise_flag(v, info))
		vcpu_tell(v);
}

/* Those of @mask, vcpus of @d, that poll for @port go on. */
void wake_some_pollers(const struct domain *d, u32 port, u32 mask);

/*
 * Any vcpu may poll for any port. A locked operation has gone before: the event is visible before
 * poll_mask is read.
 */
static __always_inline void wake_pollers(const struct domain *d, u32 port)
{
	u32 mask = READ_ONCE(d->poll_mask);

	if (unlikely(mask))
		wake_some_pollers(d, port, mask);
}
