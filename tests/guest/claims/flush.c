/* SPDX-License-Identifier: MIT */
/*
 * Flushes and the other mmuext operations that change no table.
 *
 * A flush is correct when the next access uses the entry as it is now; the guest changes entries
 * and looks. Masks that cannot be read and unknown operations are refused.
 */
#define TOPIC "flush"
#include "../claim.h"
#include "../memory.h"

CLAIM(flushes, "every flush operation a kernel uses is 0")
{
	static uint64_t mask = 1;

	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(window(0)), 0));
	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, ARG(&mask)));
	CHECK_OK(mmuext(MMUEXT_INVLPG_MULTI, ARG(window(0)), ARG(&mask)));
	CHECK_OK(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_ALL, ARG(window(0)), 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(HYPERVISOR_POINTER), 0));
	CHECK_OK(mmuext(MMUEXT_INVLPG_LOCAL, ARG(NONCANONICAL_POINTER), 0));
}

CLAIM(flush_bad_mask, "a flush whose vCPU mask cannot be read is an error, not a crash")
{
	CHECK_ERR(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, ARG(UNMAPPED_POINTER)), XEN_EINVAL);
	CHECK_ERR(mmuext(MMUEXT_INVLPG_MULTI, 0, ARG(HYPERVISOR_POINTER)), XEN_EINVAL);
}

CLAIM(flush_works, "after INVLPG_LOCAL a changed entry is what the CPU uses")
{
	uint64_t *a = page_alloc(), *b = page_alloc();
	const volatile uint64_t *e = entry_of(window(0), 1);

	a[0] = 1;
	b[0] = 2;
	for (unsigned int i = 0; i < 20; i++) {
		CHECK_OK(write_entry(e, make_pte(mfn_of(i % 2 ? a : b), PTE_RW_PAGE)));
		CHECK_OK(mmuext(i % 4 < 2 ? MMUEXT_INVLPG_LOCAL : MMUEXT_TLB_FLUSH_LOCAL,
				ARG(window(0)), 0));
		CHECK_EQ(*(volatile uint64_t *)window(0), i % 2 ? 1 : 2);
	}
}

CLAIM_DOM0(flush_cache, "FLUSH_CACHE of a dom0 is 0")
{
	CHECK_OK(mmuext(MMUEXT_FLUSH_CACHE, 0, 0));
}

CLAIM(clear_copy_page, "CLEAR_PAGE and COPY_PAGE work on our pages and refuse page tables")
{
	uint64_t *a = page_alloc(), *b = page_alloc();

	a[0] = a[511] = 0x99;
	CHECK_OK(mmuext(MMUEXT_COPY_PAGE, mfn_of(b), mfn_of(a)));
	CHECK_EQ(b[511], 0x99);
	CHECK_OK(mmuext(MMUEXT_CLEAR_PAGE, mfn_of(a), 0));
	CHECK_EQ(((volatile uint64_t *)a)[0] | ((volatile uint64_t *)a)[511], 0);
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, l4_mfn(), 0) < 0);
	CHECK(mmuext(MMUEXT_CLEAR_PAGE, NOBODYS_MFN, 0) < 0);
}

CLAIM(mmuext_unknown, "unknown mmuext commands are -ENOSYS, superpage marks -EOPNOTSUPP, and the "
      "count of done ones is kept")
{
	struct mmuext_op ops[3] = {
		{ .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = MMUEXT_TLB_FLUSH_LOCAL }, { .cmd = 99 },
	};
	unsigned int done = 55;

	CHECK_ERR(HC4(mmuext_op, ops, 3, &done, DOMID_SELF), XEN_ENOSYS);
	CHECK_EQ(done, 2);
	CHECK_ERR(mmuext(MMUEXT_MARK_SUPER, 0, 0), XEN_EOPNOTSUPP);
	CHECK_ERR(mmuext(14, 0, 0), XEN_ENOSYS);
	CHECK_ERR(HC4(mmuext_op, ops, 1, 0, 1234), NO_SUCH_DOMAIN);
}
