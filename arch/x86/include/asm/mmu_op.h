/* SPDX-License-Identifier: MIT */
/*
 * What mmu_update and mmuext_op share: a list handled element by element, its progress and its
 * continuation.
 */
#pragma once

#include <isola/types.h>

/*
 * In the count argument: this call goes on with a list; *done already counts what went before. An
 * ABI fact of Xen.
 */
#define MMU_OP_CONTINUED (1u << 31)

struct mmu_op_progress {
	u64 list;                       /* guest address of this call's first element */
	u64 elem_bytes;
	u32 count, handled;             /* of this call's elements; handled <= count */
	u32 done_before;
	u64 done_ptr;                   /* guest u32, or 0 */
	u64 domids;
};

/*
 * Leave hypercall @nr with result @rc of its last element: writes *done, continues when @rc is
 * -ERESTART or when a table is still parked, else gives the result. Returns what the hypercall
 * function returns.
 */
long mmu_op_end(unsigned nr, int rc, const struct mmu_op_progress *p);
