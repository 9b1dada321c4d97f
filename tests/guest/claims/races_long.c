/* SPDX-License-Identifier: MIT */
/*
 * races_long: long work, interrupted over and over, and done by two vCPUs at once.
 *
 * The rule: a tree of tables becomes what was asked, or nothing, however often that stops on its
 * way.
 */
#define TOPIC "races"
#include "races.h"
#include "../big_tree.h"
#include "../clock.h"
#include "../text.h"

static volatile uint64_t rounds_done;

CLAIM(interrupted_pin,
      "a large tree is pinned and unpinned whole, however often that is interrupted (XSA-45, 290)")
{
	big_build();
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++) {
		CHECK_OK(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0));
		CHECK_ERR(make_writable(big_l1[BIG_L1 - 1]), XEN_EBUSY);
		CHECK_OK(mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0));
	}
	interrupt_no_more();
	big_plain();
}

CLAIM(interrupted_bad_pin,
      "a large tree with a wrong entry at its end is refused, however often that is interrupted, "
      "and all its tables are plain pages again (XSA-58, 299, 310)")
{
	big_build();
	CHECK_OK(make_writable(big_l1[BIG_L1 - 1]));
	big_l1[BIG_L1 - 1][511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
	CHECK_OK(make_readonly(big_l1[BIG_L1 - 1]));
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++)
		CHECK_ERR(mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0), XEN_EINVAL);
	interrupt_no_more();
	big_plain();
}

CLAIM(interrupted_hook,
      "a large tree is hooked and unhooked whole by mmu_update, however often that is interrupted")
{
	big_build();
	interrupt_often();
	for (unsigned int round = 0; round < 50; round++) {
		CHECK_OK(write_entry(l4_slot(SLOT), table_pte(big_l3)));
		CHECK_ERR(make_writable(big_l1[BIG_L1 - 1]), XEN_EBUSY);
		CHECK_OK(write_entry(l4_slot(SLOT), 0));
	}
	interrupt_no_more();
	big_plain();
}

static void job_pin_big(void)
{
	while (!stop) {
		if (!mmuext(MMUEXT_PIN_L3_TABLE, mfn_of(big_l3), 0))
			mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0);
		if (!mmuext(MMUEXT_PIN_L2_TABLE, mfn_of(big_l2), 0))
			mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l2), 0);
		rounds_done++;
	}
}

static void race_big(bool bad)
{
	big_build();
	if (bad) {
		CHECK_OK(make_writable(big_l1[BIG_L1 - 1]));
		big_l1[BIG_L1 - 1][511] = make_pte(NOBODYS_MFN, PTE_RW_PAGE);
		CHECK_OK(make_readonly(big_l1[BIG_L1 - 1]));
	}
	other_start();
	stop = false;
	rounds_done = 0;
	interrupt_often();
	job = job_pin_big;
	for (unsigned int round = 0; round < 50 || rounds_done < 30; round++) {
		long rc = write_entry(l4_slot(SLOT), table_pte(big_l3));

		/* -EINVAL also while the sibling's own try fails half-way. */
		CHECK_SAY(bad ? rc < 0 : rc == 0 || rc == -XEN_EINVAL, "hook answers %ld", rc);
		CHECK_OK(write_entry(l4_slot(SLOT), 0));
	}
	interrupt_no_more();
	stop = true;
	other_stop();
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l3), 0);
	mmuext(MMUEXT_UNPIN_TABLE, mfn_of(big_l2), 0);
	big_plain();
}

CLAIM(interrupted_both, "two vCPUs validate one large tree at the same time, interrupted over and "
			"over; in the end its tables are plain pages again (XSA-299)")
{
	race_big(false);
}

CLAIM(interrupted_bad_both,
      "two vCPUs are refused one large tree with a wrong entry at its end, at the same time; in "
      "the end its tables are plain pages again (XSA-299, 310)")
{
	race_big(true);
}
