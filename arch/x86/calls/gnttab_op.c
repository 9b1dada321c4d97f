/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op: lists of operations, each with a status of its own.
 *
 * Refused whole (-ENOSYS): transfer, version 2 and what goes with it, swap, cache flush.
 */
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/gnttab.h>
#include <asm/gnttab_list.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <isola/vcpu.h>

/* ---- What is no mapping or copy -------------------------------------------------------------- */

/* What concerns one's own table alone is asked about @domid's. */
static s16 self_status(enum privilege op, domid_t domid)
{
	if (domid == DOMID_SELF || domid == current->domain->domid)
		return GNTST_okay;
	return refuse_other(op, domid) == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

static void setup_table(struct gnttab_setup_table *op)
{
	struct domain *d = current->domain;
	int rc;

	op->status = self_status(MAY_gnttab_setup_table, op->dom);
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
	op->status = self_status(MAY_gnttab_query_size, op->dom);
	if (op->status != GNTST_okay)
		return;
	op->nr_frames = current->domain->grants->nr_frames;
	op->max_nr_frames = current->domain->grants->max_frames;
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

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.dom != DOMID_SELF && op.dom != current->domain->domid)
		return refuse_other(MAY_gnttab_get_version, op.dom);
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
