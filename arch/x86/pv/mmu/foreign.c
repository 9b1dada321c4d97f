/* SPDX-License-Identifier: MIT */
/*
 * Whose pages. A reference on the owner is held for one call: then each entry holds one on its
 * frame, and the frame its owner.
 */
#include <asm/foreign.h>
#include <asm/pt_check.h>
#include <isola/errno.h>
#include <isola/privilege.h>

int get_other_owner(domid_t domid, bool by_gfn, struct domain **owner)
{
	int rc;

	if (domid == DOMID_IO || domid == DOMID_XEN) {
		*owner = domid == DOMID_IO ? &domain_io : &domain_xen;
		return 0;
	}
	rc = may_act_on(MAY_name_frames, domid);
	if (rc)
		return rc;
	*owner = domid == current->domain->domid ? NULL : get_domain_by_id(domid);
	if (*owner && (*owner)->hvm && !by_gfn) {
		put_domain(*owner);
		return -EOPNOTSUPP;
	}
	return *owner ? 0 : -ESRCH;
}

void put_other_owner(struct domain *owner)
{
	if (!is_nobody(owner))
		put_domain(owner);
}
