/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op: what its operations share.
 */
#pragma once

#include <asm/hypercall.h>
#include <xen/xen.h>

/*
 * The command word: operation in the low six bits, extents already done above. An ABI fact of Xen.
 */
#define MEMOP_CMD_BITS		6
#define MEMOP_MAX_EXTENTS	(0xffffffffu >> MEMOP_CMD_BITS)

/* Continue @op with @done extents done. */
static inline long memory_op_continue(unsigned op, u64 done, u64 arg)
{
	return hypercall_continue(memory_op, op | done << MEMOP_CMD_BITS, arg);
}
