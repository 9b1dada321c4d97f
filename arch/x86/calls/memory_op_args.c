/* SPDX-License-Identifier: MIT */
/*
 * What the operations of memory_op have in common: whom they are about, and how they go on.
 */
#include <asm/hypercall.h>
#include <asm/memory_op.h>
#include <asm/percpu.h>
#include <isola/vcpu.h>
#include <xen/xen.h>
#include <xen/memory.h>

struct domain *memory_op_domain(domid_t domid)
{
	struct domain *d = current->domain;

	return domid == DOMID_SELF || domid == d->domid ? d : NULL;
}

long memory_op_continue(unsigned op, u64 done, u64 arg)
{
	u64 cmd = op | done << MEMOP_CMD_BITS;

	return hypercall_continue(memory_op, cmd, arg);
}
