/* SPDX-License-Identifier: MIT */
/*
 * Whose pages: for now one's own. Rights over other domains come with the toolstack interface.
 */
#include <asm/foreign.h>
#include <asm/percpu.h>
#include <asm/pt_check.h>
#include <isola/vcpu.h>

struct domain *pg_owner_of(domid_t domid)
{
	switch (domid) {
	case DOMID_SELF:
		return current->domain;
	case DOMID_IO:
		return &domain_io;
	default:
		return NULL;
	}
}

struct domain *pt_owner_of(u32 word)
{
	struct domain *d = current->domain;

	return word == 0 || word - 1 == d->domid ? d : NULL;
}
