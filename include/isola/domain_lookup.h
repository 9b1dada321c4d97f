/* SPDX-License-Identifier: MIT */
/*
 * Whom a call names by a number.
 */
#pragma once

#include <asm/percpu.h>
#include <isola/domain.h>
#include <isola/privilege.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

/*
 * The domain that the current one's call means by @domid; NULL: there is none, or it is dying. For
 * oneself, DOMID_SELF or one's own number, no reference is taken: a domain does not go while a vcpu
 * of it runs. Any other comes with one. put_named_domain() ends both.
 */
static __always_inline struct domain *__must_check get_named_domain(domid_t domid)
{
	struct domain *d = current->domain;

	return likely(domid == DOMID_SELF || domid == d->domid) ? d : get_domain_by_id(domid);
}

static __always_inline void put_named_domain(struct domain *d)
{
	if (unlikely(d != current->domain))
		put_domain(d);
}

/*
 * The same for an operation of class BY_TARGET. 0; -EPERM it is not the caller's to name; -ESRCH.
 */
static inline int __must_check get_target_domain(enum privilege op, domid_t domid,
						 struct domain **d)
{
	int rc = may_act_on(op, domid);

	if (rc)
		return rc;
	*d = get_named_domain(domid);
	return *d ? 0 : -ESRCH;
}

/*
 * For an operation that is built for the caller itself alone, and names @domid, another: -EPERM it
 * is not the caller's to name; -ESRCH there is none; -EPERM.
 */
static inline int __must_check refuse_other(enum privilege op, domid_t domid)
{
	int rc = may_act_on(op, domid);

	return rc ? rc : domain_not_self(domid);
}
