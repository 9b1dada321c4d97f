/* SPDX-License-Identifier: MIT */
/*
 * Whom the log is about: the vcpu that this CPU runs. Any context.
 */
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <asm/percpu.h>

bool log_subject(struct log_subject *s)
{
	const struct vcpu *v = current;

	if (!v || v->is_idle)
		return false;
	*s = (struct log_subject){ v->domain->domid, v->id, &v->domain->log_limit };
	return true;
}
