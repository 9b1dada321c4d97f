/* SPDX-License-Identifier: MIT */
/*
 * Who handles the global VIRQs: the table is evtchn_raise.c's, where it is read between a sender's
 * marks. A reference goes in with each domain (DOM-1); it comes out when no sender has it in hand.
 */
#include <isola/virq_handler.h>
#include "evtchn_port.h"
#include <isola/domain.h>
#include <isola/errno.h>

int set_global_virq_handler(struct domain *d, u32 virq)
{
	struct domain *was = d;
	int rc = -EINVAL;

	if (virq >= NR_VIRQS || virq_is_per_vcpu(virq))
		return -EINVAL;
	get_knownalive_domain(d);
	/* Who dies says so first, and clears the table when it has had this lock. */
	spin_lock(&d->evtchn_lock);
	if (!READ_ONCE(d->is_dying)) {
		was = virq_handler_set(virq, d);
		rc = 0;
	}
	spin_unlock(&d->evtchn_lock);
	if (was)
		put_domain(was);
	return rc;
}

void clear_global_virq_handlers(struct domain *d)
{
	for (u32 virq = 0; virq < NR_VIRQS; virq++)
		if (virq_handler_clear(virq, d))
			put_domain(d);
}
