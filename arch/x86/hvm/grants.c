/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op of an HVM guest. Its own table's frames are put by memory_op (physmap.c). Others'
 * grants it cannot map or copy: not built, so each element is told that it did not succeed, as a
 * list's elements are; kernels do not expect the call as a whole to be refused.
 */
#include <isola/errno.h>
#include <asm/gnttab_list.h>
#include <asm/hvm.h>

GNTTAB_ELEMENT(map_grant_ref, op.status = GNTST_general_error, status)
GNTTAB_ELEMENT(unmap_grant_ref, op.status = GNTST_bad_handle, status)
GNTTAB_ELEMENT(copy, op.status = GNTST_general_error, status)

#define LIST(name, list, count)								\
	gnttab_do_list(GNTTABOP_##name, list, count, sizeof(struct gnttab_##name), do_##name, NULL)

long hvm_grant_table_op(u64 cmd, u64 arg, u64 count)
{
	if ((s32)count < 0)
		return -EINVAL;
	switch ((u32)cmd) {
	case GNTTABOP_map_grant_ref:
		return LIST(map_grant_ref, arg, count);
	case GNTTABOP_unmap_grant_ref:
		return LIST(unmap_grant_ref, arg, count);
	case GNTTABOP_copy:
		return LIST(copy, arg, count);
	case GNTTABOP_query_size:
	case GNTTABOP_set_version:
	case GNTTABOP_get_version:
		return hc_grant_table_op(cmd, arg, count);
	default:
		return -ENOSYS;
	}
}
