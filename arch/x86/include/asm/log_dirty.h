/* SPDX-License-Identifier: MIT */
/*
 * The log of what a domain writes, for live migration: domctl shadow_op.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_shadow_op;

/*
 * One operation on @d, another domain than the caller's.
 *   ENABLE_LOGDIRTY  0; -EINVAL: it is logged already, or has no vcpu; -ENOMEM: nothing has changed
 *   CLEAN, PEEK      0, the caller's bitmap (by pfn) and *@op's statistics filled; -EINVAL: mode;
 *                    -EFAULT
 *   OFF              0
 * -EBUSY: another one is under way; -EOPNOTSUPP: any other; -ERESTART: to be continued.
 * @d waits only within a call: a caller that does not come back leaves nobody waiting.
 */
long domain_log_dirty(struct domain *d, struct xen_domctl_shadow_op *op);

/* @d's vcpus wait, for good, and nobody visits it: it is logged no more. */
void domain_log_end(struct domain *d);
