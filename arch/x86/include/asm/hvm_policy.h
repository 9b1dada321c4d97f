/* SPDX-License-Identifier: MIT */
/*
 * What HVM domains are shown of the CPU: all of them, and each.
 */
#pragma once

#include <isola/domain.h>
#include <asm/own_policy.h>

/* All that one can be shown: without leaves of its own. Constant after hvm_init(). */
extern struct own_policy hvm_policy;

static inline const struct own_policy *hvm_policy_of(const struct domain *d)
{
	return d->cpu_policy ? d->cpu_policy : &hvm_policy;
}
