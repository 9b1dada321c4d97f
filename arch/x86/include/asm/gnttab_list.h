/* SPDX-License-Identifier: MIT */
/*
 * Lists of grant operations: how one is done, in line where each kind of operation stands, so that
 * none pays for what another needs.
 */
#pragma once

#include <isola/errno.h>
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/page_type.h>
#include <asm/preempt.h>
#include <asm/uaccess.h>

/*
 * do_@name(): one element, which is copied in as op, and goes back from member @first to its end.
 * @batch: NULL where there is none.
 */
#define GNTTAB_ELEMENT(name, act, first)						\
static __always_inline int do_##name(u64 at,						\
				     struct gnttab_unmapped *batch __maybe_unused)	\
{											\
	struct gnttab_##name op;							\
											\
	if (unlikely(copy_from_guest(&op, at, sizeof(op))))				\
		return -EFAULT;								\
	act;										\
	return copy_to_guest(at + offsetof(typeof(op), first),				\
			     (char *)&op + offsetof(typeof(op), first),			\
			     sizeof(op) - offsetof(typeof(op), first));			\
}

/*
 * @element for each of the @count elements of @bytes at @list. Tables that are parked come first
 * (PRE-3), and between elements there is a preemption point (CON-1). @list: of the element that is
 * next; beyond the guest's addresses where it would wrap. Returns what the hypercall does.
 */
static __always_inline long gnttab_do_list(u32 cmd, u64 list, u32 count, u32 bytes,
					   int (*element)(u64 at, struct gnttab_unmapped *batch),
					   struct gnttab_unmapped *batch)
{
	int rc = 0;

	while (likely(count) && likely(!(rc = page_type_finish_parked()))) {
		if (batch && unlikely(batch->nr == GNTTAB_UNMAP_BATCH))
			gnttab_unmap_finish(batch);
		rc = element(list, batch);
		if (unlikely(rc) || likely(!--count))
			break;
		list = guest_elem(list, 1, bytes);
		if (hypercall_preempt_check())
			break;
	}
	/* On every way out, a continuation too. */
	if (batch && likely(batch->nr || batch->entries))
		gnttab_unmap_finish(batch);
	if (unlikely(rc == -EFAULT))
		return rc;
	return likely(!count) ? 0 : hypercall_continue(grant_table_op, cmd, list, count);
}

/* The list of GNTTABOP_@name as a function. */
#define GNTTAB_LIST(name)								\
long gnttab_##name##_list(u64 list, u32 count)						\
{											\
	return gnttab_do_list(GNTTABOP_##name, list, count, sizeof(struct gnttab_##name), \
			      do_##name, NULL);						\
}
/* The same of one that gathers what it has unmapped. */
#define GNTTAB_BATCH_LIST(name)								\
long gnttab_##name##_list(u64 list, u32 count)						\
{											\
	struct gnttab_unmapped batch;							\
											\
	batch.nr = 0;									\
	batch.entries = false;								\
	return gnttab_do_list(GNTTABOP_##name, list, count, sizeof(struct gnttab_##name), \
			      do_##name, &batch);					\
}
