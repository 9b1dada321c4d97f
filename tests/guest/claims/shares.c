/* SPDX-License-Identifier: MIT */
/*
 * Pages that two static domains, 1 and 2, share: docs/static-domains.md.
 *
 * The rule: both map the page by the reference that their line names, each with the access that its
 * own line declares and no more, and see each other's stores.
 */
#define TOPIC "share"
#include "../claim.h"
#include "../lending.h"
#include "../memory.h"
#include <xen/sched.h>

#define GREETING(domid) (0x1501a0000ul + (domid))

CLAIM(writable, "both domains may write a page that they share, and each sees what the other wrote")
{
	uint32_t handle;
	volatile uint64_t *page;

	CHECK_EQ(share_map("isola.share.ring=", 0, GNTMAP_host_map, &handle), GNTST_okay);
	page = window(0);
	page[own_domid] = GREETING(own_domid);
	while (page[3 - own_domid] != GREETING(3 - own_domid))
		HC2(sched_op, SCHEDOP_yield, 0);
	CHECK_EQ(grant_unmap(handle, ARG(window(0)), 0), GNTST_okay);
}

CLAIM(read_only, "a page that is shared read-only can be read, and not mapped writable")
{
	uint32_t handle;
	volatile uint64_t *page;
	int16_t status = share_map("isola.share.log=", 0, GNTMAP_host_map, &handle);

	page = window(0);
	if (status == GNTST_okay) {
		CHECK_EQ(own_domid, 1);		/* the owner */
		page[0] = GREETING(0);
	} else {
		CHECK_EQ(status, GNTST_general_error);
		CHECK_EQ(own_domid, 2);
		CHECK_EQ(share_map("isola.share.log=", 0, GNTMAP_host_map | GNTMAP_readonly,
				   &handle), GNTST_okay);
		while (page[0] != GREETING(0))
			HC2(sched_op, SCHEDOP_yield, 0);
	}
	CHECK_EQ(grant_unmap(handle, ARG(window(0)), 0), GNTST_okay);
}
