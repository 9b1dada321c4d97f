/* SPDX-License-Identifier: MIT */
/*
 * Entries of a domain's L1 tables that name others' frames: what the control domain has mapped, and
 * grants.
 */
#pragma once

#include <isola/domain.h>

/*
 * Give back the references that such entries of @d hold, the frames at d->end_frame and behind it
 * in its list. 0, or -ERESTART: it should stop, and be called again. Of a domain that is dying, of
 * which no vcpu will run, and whose tables nobody else looks at; none of its frames has gone yet.
 */
int __must_check foreign_entries_release(struct domain *d);
