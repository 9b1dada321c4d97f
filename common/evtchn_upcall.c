/* SPDX-License-Identifier: MIT */
/*
 * vcpus that poll for a port that has become pending.
 */
#include "evtchn_upcall.h"

static bool is_polling_for(const struct vcpu *v, u32 port)
{
	u32 nr = READ_ONCE(v->nr_polled);

	if (nr > ARRAY_SIZE(v->polled))
		return true;
	for (u32 i = 0; i < nr; i++)
		if (READ_ONCE(v->polled[i]) == port)
			return true;
	return false;
}

void wake_some_pollers(const struct domain *d, u32 port, u32 mask)
{
	for (; mask; mask &= mask - 1) {
		struct vcpu *v = d->vcpu[__builtin_ctz(mask)];

		if (is_polling_for(v, port))
			vcpu_unblock(v);
	}
}
