/* SPDX-License-Identifier: MIT */
/*
 * Visits: asm/visit.h. The root is root.c's; here stands who may be where.
 */
#include <isola/errno.h>
#include <isola/printk.h>
#include <asm/loaded.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/visit.h>

/* What the last visitor has left in @d is seen by the next. */
bool visit_keep_off(struct domain *d)
{
	return !__atomic_exchange_n(&d->is_visited, true, __ATOMIC_SEQ_CST);
}

void visit_allow(struct domain *d)
{
	__atomic_store_n(&d->is_visited, false, __ATOMIC_RELEASE);
}

/* Who finds that it dies has not been in its tables; who does not is waited for by visit_bar(). */
static bool enter(struct domain *d)
{
	if (!visit_keep_off(d))
		return false;
	if (!READ_ONCE(d->is_dying))
		return true;
	visit_allow(d);
	return false;
}

bool visit_bar(struct domain *d)
{
	ASSERT(d->is_dying);
	if (!visit_keep_off(d))
		return false;
	visit_allow(d);
	return true;
}

int visit(struct domain *d, int (*fn)(struct domain *d, void *arg), void *arg)
{
	int rc;

	ASSERT_KERNEL_ROOT();
	ASSERT(d != current->domain && !this_cpu.visited);
	if (!enter(d))
		return -ERESTART;
	root_begin_visit(d);
	rc = page_type_finish();
	if (!rc)
		rc = fn(d, arg);
	root_end_visit();
	visit_allow(d);
	return rc;
}

static int do_whole(struct domain *d, void *arg)
{
	const struct visit_op *op = arg;
	int rc;

	if (d->visit_left.cmd == op->cmd && mfn_eq(d->visit_left.mfn, op->mfn)) {
		d->visit_left.mfn = INVALID_MFN;
		return d->visit_left.rc;
	}
	rc = op->fn(d, op->arg);
	if (rc == -ERESTART || rc == -EINTR || !mfn_is_valid_num(d->visit_parked[0]))
		return rc;
	d->visit_left.cmd = op->cmd;
	d->visit_left.mfn = op->mfn;
	d->visit_left.rc = rc;
	return -ERESTART;
}

int visit_whole(struct domain *d, const struct visit_op *op)
{
	return shadow_instead(d, visit(d, do_whole, (void *)op));
}
