/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: by the control domain's wish (<xen/domctl.h>, destroydomain), or because it
 * is to be built anew.
 */
#pragma once

#include <isola/domain.h>
#include <xen/xen.h>

/*
 * Take domain @domid apart. 0: it is dead: what is left of it are frames that others hold, and goes
 * with those; -ESRCH; -EINVAL: it is the caller; -ERESTART: to be called again, progress is in the
 * domain.
 */
long domain_destroy_by_control(domid_t domid);
/*
 * The same for @d, which the caller holds a reference on and which is another than its own, between
 * the two: one CPU at a time is at such work (domctl.c). False: one is, try again.
 */
int __must_check domain_destroy_some(struct domain *d);
bool __must_check domctl_begin(void);
void domctl_end(void);
