/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op: lists of operations, each with a status of its own.
 *
 * Refused whole (-ENOSYS): transfer, version 2 and what goes with it, swap, cache flush.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <asm/gnttab.h>
#include <asm/hypercall.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/vcpu.h>

/* ---- What is no mapping or copy -------------------------------------------------------------- */

/* What concerns one's own table alone is asked about @domid's. */
static s16 self_status(domid_t domid)
{
	if (domid == DOMID_SELF || domid == current->domain->domid)
		return GNTST_okay;
	return domain_not_self(domid) == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

static void setup_table(struct gnttab_setup_table *op)
{
	struct domain *d = current->domain;
	int rc;

	op->status = self_status(op->dom);
	if (op->status != GNTST_okay)
		return;
	op->status = GNTST_general_error;
	rc = gnttab_grow(d, op->nr_frames);
	if (rc)
		return;
	for (u32 i = 0; i < op->nr_frames; i++) {
		u64 frame = mfn_x(d->grants->frame[i]);

		if (copy_to_guest(guest_elem((u64)op->frame_list.p, i, sizeof(frame)), &frame,
				  sizeof(frame))) {
			op->status = GNTST_bad_virt_addr;
			return;
		}
	}
	op->status = GNTST_okay;
}

static void query_size(struct gnttab_query_size *op)
{
	op->status = self_status(op->dom);
	if (op->status != GNTST_okay)
		return;
	op->nr_frames = current->domain->grants->nr_frames;
	op->max_nr_frames = GNTTAB_MAX_FRAMES;
}

/* ---- One element each: it is copied in, and goes back from member @first to its end. --------- */

#define ELEMENT(name, act, first)					\
static int do_##name(u64 at, struct gnttab_unmapped *batch __maybe_unused)\
{									\
	struct gnttab_##name op;					\
									\
	if (unlikely(copy_from_guest(&op, at, sizeof(op))))		\
		return -EFAULT;						\
	act;								\
	return copy_to_guest(at + offsetof(typeof(op), first),		\
			     (char *)&op + offsetof(typeof(op), first),	\
			     sizeof(op) - offsetof(typeof(op), first));	\
}
ELEMENT(map_grant_ref, gnttab_map_one(&op), dom)
ELEMENT(unmap_grant_ref, gnttab_unmap_one(&op, batch), status)
ELEMENT(unmap_and_replace, gnttab_unmap_and_replace_one(&op, batch), status)
ELEMENT(copy, gnttab_copy_one(&op), status)
ELEMENT(setup_table, setup_table(&op), dom)
ELEMENT(query_size, query_size(&op), dom)
#undef ELEMENT

static const struct list {
	int (*fn)(u64 at, struct gnttab_unmapped *batch);
	u32 bytes;			/* of one element */
	bool single;			/* no list: one element only */
} lists[] = {
#define LIST(name, single) [GNTTABOP_##name] = { do_##name, sizeof(struct gnttab_##name), single }
	LIST(map_grant_ref, false),
	LIST(unmap_grant_ref, false),
	LIST(unmap_and_replace, false),
	LIST(copy, false),
	LIST(setup_table, true),
	LIST(query_size, true),
#undef LIST
};

#define CMD_MASK 0xfffu			/* Xen keeps progress above it; nobody else may */

/* @list: of the element that is next; beyond the guest's addresses where it would wrap. */
static __always_inline long do_list(const struct list *l, u32 cmd, u64 list, u32 count)
{
	struct gnttab_unmapped batch;
	int rc = 0;

	batch.nr = 0;
	batch.entries = false;
	while (count && likely(!(rc = page_type_finish_parked()))) {
		if (unlikely(batch.nr == GNTTAB_UNMAP_BATCH))
			gnttab_unmap_finish(&batch);
		rc = l->fn(list, &batch);
		list = guest_elem(list, 1, l->bytes);
		if (unlikely(rc) || likely(!--count) || hypercall_preempt_check())
			break;
	}
	/* On every way out, a continuation too. */
	if (batch.nr || batch.entries)
		gnttab_unmap_finish(&batch);
	if (unlikely(rc == -EFAULT))
		return rc;
	return likely(!count) ? 0 : hypercall_continue(grant_table_op, cmd, list, count);
}

/* ---- Calls that are not lists ---------------------------------------------------------------- */

/*
 * Version 1 is what there is; asking for it is fine at any time. The answer names it in any case.
 */
static long set_version(u64 arg)
{
	struct gnttab_set_version op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = op.version == 1 ? 0 : op.version == 2 ? -ENOSYS : -EINVAL;
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : rc;
}

static long get_version(u64 arg)
{
	struct gnttab_get_version op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.dom != DOMID_SELF && op.dom != current->domain->domid)
		return domain_not_self(op.dom);
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op));
}

static __noinline long no_list(u32 cmd, u64 arg)
{
	switch (cmd) {
	case GNTTABOP_set_version:
		return set_version(arg);
	case GNTTABOP_get_version:
		return get_version(arg);
	default:
		return cmd > CMD_MASK ? -EINVAL : -ENOSYS;
	}
}

long hc_grant_table_op(u64 cmd, u64 arg, u64 count)
{
	const struct list *l;

	if (unlikely((s32)count < 0))
		return -EINVAL;
	if (unlikely((u32)cmd >= ARRAY_SIZE(lists)))
		return no_list(cmd, arg);
	l = &lists[index_nospec((u32)cmd, ARRAY_SIZE(lists))];
	if (unlikely(!l->fn))
		return no_list(cmd, arg);
	return unlikely(l->single && (u32)count != 1) ? -EINVAL : do_list(l, cmd, arg, count);
}
