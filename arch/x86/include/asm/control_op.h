/* SPDX-License-Identifier: MIT */
/*
 * Control operations: calls of dom0's with one structure that begins with a command and the version
 * of its interface (platform_op, mca).
 */
#pragma once

#include <isola/privilege.h>
#include <isola/types.h>

/*
 * Copy in the operation of @size bytes at @arg. Privilege, @may, is decided first (PRIV-1), then
 * the version.
 * 0; -EPERM not the caller's; -EFAULT; -EACCES another version than @version. Context: the kernel
 * root.
 */
int __must_check control_op_get(enum privilege may, void *op, size_t size, u64 arg, u32 version);

/* The handler's answer @rc, after copying the operation back out if that is 0; or -EFAULT. */
long control_op_end(u64 arg, const void *op, size_t size, long rc);
