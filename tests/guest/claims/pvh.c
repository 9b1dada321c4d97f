/* SPDX-License-Identifier: MIT */
/*
 * A domain of type=pvh as dom0 sees it: what is not built for one is refused, whole; what is goes
 * as for any; and when it is destroyed everything comes back. It needs one of number 1:
 * tests/boot/pvh.t.
 */
#define TOPIC "pvh"
#define __XEN_TOOLS__ 1
#include "../claim.h"
#include "../domains.h"
#include "../memory.h"
#include "../text.h"
#include <xen/domctl.h>

#define PVH 1

static void need_one(void)
{
	if (!is_there(PVH) || !(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_hvm_guest))
		skip("domain 1 is not of type=pvh");
}

CLAIM_DOM0(control, "resets, PV contexts, triggers and pins of a PVH domain are refused, "
	   "pausing is not, and its memory is mapped by gfn")
{
	/* setvcpucontext: without one it would be a reset. */
	static const uint32_t refused[] = { XEN_DOMCTL_setvcpucontext,
					    XEN_DOMCTL_get_ext_vcpucontext, XEN_DOMCTL_sendtrigger,
					    XEN_DOMCTL_hypercall_init };
	struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = 0x200 };

	need_one();
	CHECK(domctl_op.u.getdomaininfo.tot_pages > 256);
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		memset(&domctl_op.u, 0, sizeof(domctl_op.u));
		CHECK_SAY(domctl(refused[i], PVH) == -XEN_EOPNOTSUPP, "command %u", refused[i]);
	}
	CHECK_ERR(HC4(mmuext_op, &pin, 1, 0, PVH), XEN_EOPNOTSUPP);
	/* By gfn: what is there is not given once more. */
	CHECK_EQ(populate(PVH, 1, 0), 0);
	CHECK_OK(map_foreign(0, 0x200, PTE_RW_PAGE, PVH));
	CHECK_OK(map_foreign(0, 0, 0, PVH));
	CHECK_OK(domctl(XEN_DOMCTL_pausedomain, PVH));
	CHECK(is_there(PVH) && domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused);
	CHECK_OK(domctl(XEN_DOMCTL_unpausedomain, PVH));
}

CLAIM_DOM0(destroy, "when a PVH domain is destroyed all its memory comes back")
{
	uint64_t pages, before;

	need_one();
	pages = domctl_op.u.getdomaininfo.tot_pages;
	before = free_pages();
	destroy(PVH);
	CHECK(is_gone(PVH));
	CHECK(free_pages() >= before + pages);
}
