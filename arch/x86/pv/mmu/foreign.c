/* SPDX-License-Identifier: MIT */
/*
 * Whose pages. A reference on the owner is held for one call: then each entry holds one on its
 * frame, and the frame its owner.
 */
#include <asm/foreign.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/privilege.h>

int get_page_owner(domid_t domid, struct domain **owner)
{
	int rc;

	*owner = mmuext_owner(domid);
	if (*owner)
		return 0;
	rc = may_act_on(MAY_name_frames, domid);
	if (rc)
		return rc;
	*owner = domid == current->domain->domid ? NULL : get_domain_by_id(domid);
	return *owner ? 0 : -ESRCH;
}

void put_page_owner(struct domain *owner)
{
	if (owner != current->domain && owner != &domain_io)
		put_domain(owner);
}

struct domain *mmuext_owner(domid_t domid)
{
	if (domid == DOMID_SELF)
		return current->domain;
	return domid == DOMID_IO ? &domain_io : NULL;
}
