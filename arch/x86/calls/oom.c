/* SPDX-License-Identifier: MIT */
/*
 * The audit hypercall's commands for running out of memory (CONFIG_AUDIT). They are for a machine
 * with one domain: an allocation refused may be anybody's.
 */
#include <asm/oom.h>
#include <isola/alloc_fault.h>
#include <isola/errno.h>
#include <isola/page_alloc.h>

long oom_op(u64 cmd, u64 nth)
{
	switch (cmd) {
	case OOM_REFUSE:
		alloc_fault_arm(nth);
		return 0;
	case OOM_REFUSED:
		return alloc_fault_disarm();
	case OOM_FREE_PAGES:
		return nr_free_pages() + nr_free_public_pages();
	}
	return -EINVAL;
}
