/* SPDX-License-Identifier: MIT */
/*
 * Whom global VIRQs are raised for: those that say something of the machine, or of a domain other
 * than the one that is told. The hardware domain, unless the control domain has said otherwise.
 * Raising one: raise_global_virq() in evtchn.h.
 */
#pragma once

#include <isola/types.h>

struct domain;

/*
 * @d, which the caller holds, handles @virq from now on. 0; -EINVAL no such VIRQ, one of each vcpu,
 * or @d is dying. No lock held.
 */
int __must_check set_global_virq_handler(struct domain *d, u32 virq);
/* @d, which is dying and which the caller holds, handles none any more. No lock held. */
void clear_global_virq_handlers(struct domain *d);
