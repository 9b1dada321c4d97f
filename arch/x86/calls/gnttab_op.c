/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op: lists of operations, each with a status of its own.
 *
 * Refused whole (-ENOSYS): transfer, version 2 and what goes with it, swap, cache flush.
 */
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/nospec.h>
#include <asm/gnttab.h>
#include <asm/gnttab_list.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/vcpu.h>

/* ---- What is no mapping or copy -------------------------------------------------------------- */

/* The domain whose table a list's element is about; or its status. */
static s16 get_table_owner(enum privilege op, domid_t domid, struct domain **d)
{
	int rc = get_target_domain(op, domid, d);

	return !rc ? GNTST_okay : rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

static s16 tell_frames(struct domain *d, const struct gnttab_setup_table *op)
{
	if (gnttab_grow(d, op->nr_frames))
		return GNTST_general_error;
	for (u32 i = 0; i < op->nr_frames; i++) {
		u64 frame = mfn_x(d->grants->frame[index_nospec(i, GNTTAB_MAX_FRAMES)]);

		if (copy_to_guest(guest_elem((u64)op->frame_list.p, i, sizeof(frame)), &frame,
				  sizeof(frame)))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static void setup_table(struct gnttab_setup_table *op)
{
	struct domain *d;

	op->status = get_table_owner(MAY_gnttab_setup_table, op->dom, &d);
	if (op->status != GNTST_okay)
		return;
	op->status = tell_frames(d, op);
	put_named_domain(d);
}

static void query_size(struct gnttab_query_size *op)
{
	struct domain *d;

	op->status = get_table_owner(MAY_gnttab_query_size, op->dom, &d);
	if (op->status != GNTST_okay)
		return;
	op->nr_frames = READ_ONCE(d->grants->nr_frames);
	op->max_nr_frames = d->grants->max_frames;
	put_named_domain(d);
}

GNTTAB_ELEMENT(setup_table, setup_table(&op), dom)
GNTTAB_ELEMENT(query_size, query_size(&op), dom)
static GNTTAB_LIST(setup_table)
static GNTTAB_LIST(query_size)

#define CMD_MASK 0xfffu			/* Xen keeps progress above it; nobody else may */

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
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_gnttab_get_version, op.dom, &d);
	if (rc)
		return rc;
	put_named_domain(d);
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op));
}

/* What no guest does often. */
static __noinline long rare_op(u32 cmd, u64 arg, u32 count)
{
	switch (cmd) {
	case GNTTABOP_unmap_and_replace:
		return gnttab_unmap_and_replace_list(arg, count);
	case GNTTABOP_setup_table:
		return count == 1 ? gnttab_setup_table_list(arg, count) : -EINVAL;
	case GNTTABOP_query_size:
		return count == 1 ? gnttab_query_size_list(arg, count) : -EINVAL;
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
	if (unlikely((s32)count < 0))
		return -EINVAL;
	if ((u32)cmd == GNTTABOP_map_grant_ref)
		return gnttab_map_grant_ref_list(arg, count);
	if ((u32)cmd == GNTTABOP_unmap_grant_ref)
		return gnttab_unmap_grant_ref_list(arg, count);
	if ((u32)cmd == GNTTABOP_copy)
		return gnttab_copy_list(arg, count);
	return rare_op(cmd, arg, count);
}
