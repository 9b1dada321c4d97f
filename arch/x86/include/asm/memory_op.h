/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op: what its operations share.
 */
#pragma once

#include <isola/domain.h>
#include <isola/types.h>

/*
 * The command word: operation in the low six bits, extents already done above. An ABI fact of Xen.
 */
#define MEMOP_CMD_BITS		6
#define MEMOP_MAX_EXTENTS	(0xffffffffu >> MEMOP_CMD_BITS)

/* The domain that an operation names, its caller in either form, or NULL. */
struct domain *memory_op_domain(domid_t domid);

/* Continue @op with @done extents done. */
long memory_op_continue(unsigned op, u64 done, u64 arg);
