/* SPDX-License-Identifier: MIT */
/*
 * Error numbers: a hosted test sees the C library's, the hypervisor Xen's; they must be the same,
 * or every other unit test checks the wrong thing.
 *
 * Sources:
 */
#include "tap.h"

#include <errno.h>

#define __XEN__
enum {
#define XEN_ERRNO(name, value) xen_##name = value,
#include <xen/errno.h>
};

int main(void)
{
	static const struct {
		const char *name;
		int ours, hosted;
	} pairs[] = {
#define PAIR(e) { #e, xen_##e, e }
		PAIR(EPERM),   PAIR(ENOENT),    PAIR(ESRCH),    PAIR(EINTR),        PAIR(EIO),
		PAIR(ENXIO),   PAIR(E2BIG),     PAIR(ENOEXEC),  PAIR(EAGAIN),       PAIR(ENOMEM),
		PAIR(EACCES),  PAIR(EFAULT),    PAIR(EBUSY),    PAIR(EEXIST),       PAIR(ENODEV),
		PAIR(EINVAL),  PAIR(ENOSPC),    PAIR(ERANGE),   PAIR(ENAMETOOLONG), PAIR(ENOSYS),
		PAIR(ENODATA), PAIR(EOVERFLOW), PAIR(ERESTART), PAIR(EOPNOTSUPP),   PAIR(ETIMEDOUT),
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		ok(pairs[i].ours == pairs[i].hosted, "%s is %d in both worlds", pairs[i].name,
		   pairs[i].ours);
	return done();
}
