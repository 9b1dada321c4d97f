/* SPDX-License-Identifier: MIT */
/*
 * Memory types by the variable-range MTRRs, as firmware has set them: for dom0 to read.
 */
#pragma once

#include <isola/types.h>
#include <xen/xen.h>
#include <xen/platform.h>

/*
 * XENPF_read_memtype: register @op->reg is answered in place; one that is off is of no pages.
 * -EINVAL: there is no such register.
 */
long __must_check memtype_read(struct xenpf_read_memtype *op);
