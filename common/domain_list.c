/* SPDX-License-Identifier: MIT */
/*
 * Which domains there are.
 */
#include <isola/domain.h>
#include <asm/percpu.h>
#include <isola/vcpu.h>

struct domain *dom0;

struct domain *domain_by_id(domid_t domid)
{
	if (domid == DOMID_SELF)
		return current->domain;
	return dom0 && domid == dom0->domid ? dom0 : NULL;
}
