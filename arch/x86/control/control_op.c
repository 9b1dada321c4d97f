/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end that control operations have in common.
 */
#include <asm/control_op.h>
#include <asm/uaccess.h>
#include <isola/errno.h>

struct head {
	u32 cmd, interface_version;
};

int control_op_get(enum privilege may, void *op, size_t size, u64 arg, u32 version)
{
	const struct head *head = op;

	if (!domain_may(current->domain, may))
		return -EPERM;
	if (copy_from_guest(op, arg, size))
		return -EFAULT;
	return head->interface_version == version ? 0 : -EACCES;
}

long control_op_end(u64 arg, const void *op, size_t size, long rc)
{
	if (!rc && copy_to_guest(arg, op, size))
		return -EFAULT;
	return rc;
}
