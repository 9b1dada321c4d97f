/* SPDX-License-Identifier: MIT */
/*
 * Domains that the control domain makes: <xen/domctl.h>, createdomain and max_vcpus.
 */
#pragma once

#include <isola/domain.h>

struct xen_domctl_createdomain;

/*
 * A domain as *@config says, which becomes what it has been made by: it waits for the control
 * domain once, and has no vcpus and no memory. @domid: the number wanted, or DOMID_ANY. 0: *@made,
 * with a reference; -EINVAL: what is asked for is not built, or beyond a limit; -ENOENT: no such
 * pool; -EEXIST; -ENOMEM: nothing is left behind.
 */
long domain_make(domid_t domid, struct xen_domctl_createdomain *config, struct domain **made);

/*
 * All of d's vcpus, down, if it has none yet. @nr: as many as it was made for, or -EINVAL. -ENOMEM:
 * it still has none.
 */
long domain_make_vcpus(struct domain *d, u32 nr);
