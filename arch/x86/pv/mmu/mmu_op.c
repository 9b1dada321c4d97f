/* SPDX-License-Identifier: MIT */
/*
 * Beginning and end of a call of mmu_update or mmuext_op. *done is written on every way out; what
 * is read back from it on a continuation is the guest's word for its own count and used for nothing
 * else (CON-2).
 * ABI: a list NULL with a count of only "continued" is the call that finishes a parked table, its
 * result in the fourth argument.
 */
#include <asm/hypercall.h>
#include <asm/mmu_op.h>
#include <asm/uaccess.h>
#include <isola/errno.h>

static long go_on(const struct mmu_op_call *c, u64 list, u32 count, u64 done_ptr, u64 domids)
{
	const u64 args[] = { list, count, done_ptr, domids };

	return hypercall_continue_with(c->nr, args, ARRAY_SIZE(args));
}

bool mmu_op_resume(const struct mmu_op_call *c, u32 *done, long *rc)
{
	if (page_type_finish_parked()) {
		*rc = go_on(c, c->list, c->count, c->done_ptr, c->domids);
		return true;
	}
	if (c->count == MMU_OP_CONTINUED && !c->list) {
		*rc = (int)c->domids;
		return true;
	}
	*rc = -EFAULT;
	return (c->count & MMU_OP_CONTINUED) && c->done_ptr &&
	       copy_from_guest(done, c->done_ptr, sizeof(*done));
}

long mmu_op_leave(const struct mmu_op_call *c, int rc, u32 handled, u32 done_before)
{
	u32 done = done_before + handled;

	if (c->done_ptr && copy_to_guest(c->done_ptr, &done, sizeof(done)))
		rc = -EFAULT;
	if (rc == -ERESTART)
		return go_on(c, c->list + (u64)handled * c->elem_bytes,
			     (c->count - handled) | MMU_OP_CONTINUED, c->done_ptr, c->domids);
	if (page_type_is_parked())
		return go_on(c, 0, MMU_OP_CONTINUED, 0, (u32)rc);
	return rc;
}
