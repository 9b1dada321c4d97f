/* SPDX-License-Identifier: MIT */
/*
 * Control calls that are not built: what they answer.
 */
#pragma once

#include <isola/types.h>

struct xen_domctl;
struct xen_sysctl;

/* As Xen answers where it has not what the call is about; -ENOSYS for the rest. */
long domctl_refused(const struct xen_domctl *op);
long sysctl_refused(const struct xen_sysctl *op);
