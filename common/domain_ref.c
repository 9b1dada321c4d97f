/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain as an object: its references go, and it with the last (DOM-1).
 */
#include <isola/domain.h>
#include <isola/printk.h>

void put_domain(struct domain *d)
{
	u32 before = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_SEQ_CST);

	BUG_ON(!before);
	if (before > 1)
		return;
	domain_list_remove(d);
	domain_destroy(d);
}

void domain_kill(struct domain *d)
{
	BUG_ON(!domain_list_mark_dying(d));
	put_domain(d);
}
