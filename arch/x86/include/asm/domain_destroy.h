/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain by the control domain's wish: <xen/domctl.h>, destroydomain.
 */
#pragma once

#include <isola/types.h>
#include <xen/xen.h>

/*
 * Take domain @domid apart. 0: it is dead: what is left of it are frames that others hold, and goes
 * with those; -ESRCH; -EINVAL: it is the caller; -ERESTART: to be called again, progress is in the
 * domain.
 */
long domain_destroy_by_control(domid_t domid);
