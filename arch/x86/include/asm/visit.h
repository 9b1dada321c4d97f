/* SPDX-License-Identifier: MIT */
/*
 * Visits: how work is done on the tables and frames of a domain that is not loaded, where one
 * frame (mapcache.h) does not do. This CPU's visit root is loaded meanwhile: as its idle root it
 * shows nobody's memory, but for the window of the domain that is visited.
 *
 * Nothing of the caller's is in sight: no guest pointer, no this_vcpu, no mapcache. So arguments
 * and results go by value, on the stack; what is not finished is parked in the domain visited; and
 * who must stop leaves. The domain counts as loaded (loaded.h): references taken or dropped are its
 * own.
 */
#pragma once

#include <isola/domain.h>

/*
 * Call @fn(@d, @arg) on a visit to @d, which the caller holds a reference on and which is another
 * than its own. One CPU at a time visits a domain, and ends first what those before have parked.
 * Returns what @fn does; -ERESTART too when another CPU is there, or what is parked takes longer:
 * the call is to be continued. Context: a hypercall, kernel root, interrupts on, no lock held.
 */
int __must_check visit(struct domain *d, int (*fn)(struct domain *d, void *arg), void *arg);

/*
 * The same for what may park tables and be finished all the same: what is parked on a visit only
 * another visit would come back to, so it is this call's, which goes on until none is left. What
 * @fn has come to waits in the domain meanwhile, under @cmd and @mfn: VISIT_CMD_*, or a command of
 * mmuext_op's.
 */
struct visit_op {
	u32 cmd;
	mfn_t mfn;
	int (*fn)(struct domain *d, void *arg);
	void *arg;
};

#define VISIT_CMD_ENTRY		0x10000u	/* and the entry's place in its table */
#define VISIT_CMD_RESET		0x20000u	/* and the vcpu's number */

int __must_check visit_whole(struct domain *d, const struct visit_op *op);

/*
 * @rc is the result of a change of another domain @d's tables by a visit. If it was refused for an
 * absent entry that names RAM, @d is shadowed from now on, for good, and such entries are taken
 * from it: -ERESTART, the change is to be tried again; or -ENOMEM, -EOVERFLOW. Else @rc.
 * Context: a hypercall, no lock held.
 */
int __must_check shadow_instead(struct domain *d, int rc);

/* Nobody visits @d between the two. False: somebody is there. */
bool __must_check visit_keep_off(struct domain *d);
void visit_allow(struct domain *d);

/*
 * @d is dying: nobody visits it, and nobody will (VIS-3): who would is continued, and does not find
 * it any more. False: somebody is there, once more.
 */
bool __must_check visit_bar(struct domain *d);
