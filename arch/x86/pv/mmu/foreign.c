/* SPDX-License-Identifier: MIT */
/*
 * Whose pages. A reference on the owner is held for one call: then each entry holds one on its
 * frame, and the frame its owner.
 */
#include <asm/foreign.h>
#include <asm/pt_check.h>
#include <isola/errno.h>

/* Who may name another domain's frames. */
static bool may_name_frames(const struct domain *d)
{
	return d->is_privileged;
}

int get_page_owner(domid_t domid, struct domain **owner)
{
	struct domain *d = current->domain;

	*owner = mmuext_owner(domid);
	if (*owner)
		return 0;
	if (domid == d->domid)
		return -ESRCH;
	if (!may_name_frames(d))
		return -EPERM;
	*owner = get_domain_by_id(domid);
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
