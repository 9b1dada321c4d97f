/* SPDX-License-Identifier: MIT */
/*
 * The end of a call of mmu_update or mmuext_op. *done is written on every way out; what is read
 * back from it on a continuation is the guest's word for its own count and used for nothing else
 * (CON-2).
 */
#include <asm/hypercall.h>
#include <asm/mmu_op.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>

long mmu_op_end(unsigned nr, int rc, const struct mmu_op_progress *p)
{
	u32 done = p->done_before + p->handled;

	if (p->done_ptr && copy_to_guest(p->done_ptr, &done, sizeof(done)))
		rc = -EFAULT;
	if (rc == -ERESTART)
		return hypercall_continue(nr, p->list + p->handled * p->elem_bytes,
					  (p->count - p->handled) | MMU_OP_CONTINUED, p->done_ptr,
					  p->domids, 0);
	if (mfn_is_valid_num(this_vcpu.old_guest_table))
		return hypercall_continue(nr, 0, MMU_OP_CONTINUED, 0, (u32)rc, 0);
	return rc;
}
