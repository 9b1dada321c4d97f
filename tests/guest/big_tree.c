/* SPDX-License-Identifier: MIT */
/*
 * A large tree of page tables, and a timer.
 */
#include "big_tree.h"
#include "claim.h"
#include "clock.h"
#include "memory.h"

uint64_t *big_l3, *big_l2, *big_l1[BIG_L1];

void big_build(void)
{
	uint64_t *page = page_alloc();

	big_l3 = page_alloc();
	big_l2 = page_alloc();
	for (unsigned int i = 0; i < BIG_L1; i++) {
		big_l1[i] = page_alloc();
		for (unsigned int e = 0; e < 512; e++)
			big_l1[i][e] = rw_pte(page);
		CHECK_OK(make_readonly(big_l1[i]));
		big_l2[i * 21] = table_pte(big_l1[i]);
	}
	big_l3[511] = table_pte(big_l2);
	CHECK_OK(make_readonly(big_l2));
	CHECK_OK(make_readonly(big_l3));
}

void big_plain(void)
{
	CHECK_OK(make_writable(big_l3));
	CHECK_OK(make_writable(big_l2));
	for (unsigned int i = 0; i < BIG_L1; i++)
		CHECK_OK(make_writable(big_l1[i]));
}

void interrupt_often(void)
{
	struct vcpu_set_periodic_timer t = { .period_ns = MS_NS };

	CHECK_OK(HC3(vcpu_op, VCPUOP_set_periodic_timer, 0, &t));
}

void interrupt_no_more(void)
{
	HC3(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
}
