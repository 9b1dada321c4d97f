/* SPDX-License-Identifier: MIT */
/*
 * What mmu_update and mmuext_op share: a list handled element by element, its progress and its
 * continuation.
 */
#pragma once

#include <asm/page_type.h>
#include <asm/preempt.h>
#include <isola/errno.h>
#include <isola/types.h>

/*
 * In the count argument: this call goes on with a list; *done already counts what went before. An
 * ABI fact of Xen.
 */
#define MMU_OP_CONTINUED (1u << 31)

/* The hypercall's arguments, its number and the size of an element. */
struct mmu_op_call {
	unsigned nr;
	u32 elem_bytes;
	u64 list;                       /* guest address of this call's first element */
	u32 count;
	u64 done_ptr;                   /* guest u32, or 0 */
	u64 domids;
};

/*
 * A call that begins with a parked table, or goes on with what another began. True: *rc is what the
 * hypercall function returns. False: go on; *done is what had been done before.
 */
bool __must_check mmu_op_resume(const struct mmu_op_call *c, u32 *done, long *rc);

/*
 * Leave with result @rc of the last element, @handled of c->count elements having been handled and
 * @done_before in earlier calls: writes *done, continues when @rc is -ERESTART or when a table is
 * still parked, else gives the result. Returns what the hypercall function returns.
 */
long mmu_op_leave(const struct mmu_op_call *c, int rc, u32 handled, u32 done_before);

static __always_inline bool mmu_op_begin(struct mmu_op_call *c, u32 *done, long *rc)
{
	/* What goes to a function is a copy: *c stays in registers. */
	if (unlikely(page_type_is_parked() || (c->count & MMU_OP_CONTINUED)) &&
	    mmu_op_resume(&(struct mmu_op_call){ c->nr, c->elem_bytes, c->list, c->count,
						 c->done_ptr, c->domids }, done, rc))
		return true;
	c->count &= ~MMU_OP_CONTINUED;
	return false;
}

/*
 * Call one(state, address) for each element, until the end, a preemption (not before the first:
 * every call makes progress), or the first that does not return 0; *handled is how many did. 0,
 * -ERESTART to continue with the rest, or the first error. No table is parked at the beginning, nor
 * when an element's turn comes.
 */
static __always_inline int mmu_op_all(const struct mmu_op_call *c, u32 *handled,
				      int (*one)(void *state, u64 va), void *state)
{
	u64 va = c->list;
	int rc;

	for (*handled = 0; *handled < c->count; ) {
		rc = one(state, va);
		if (unlikely(rc))
			return rc == -EINTR ? -ERESTART : rc;
		if (++*handled == c->count)
			break;
		if (unlikely(__builtin_add_overflow(va, c->elem_bytes, &va)))
			return -EFAULT;
		if (hypercall_preempt_check() || (page_type_is_parked() && page_type_finish()))
			return -ERESTART;
	}
	return 0;
}

static __always_inline long mmu_op_end(const struct mmu_op_call *c, int rc, u32 handled,
				       u32 done_before)
{
	if (likely(!c->done_ptr) && likely(rc != -ERESTART) && !page_type_is_parked())
		return rc;
	return mmu_op_leave(&(struct mmu_op_call){ c->nr, c->elem_bytes, c->list, c->count,
						   c->done_ptr, c->domids },
			    rc, handled, done_before);
}
